"""What the mint workers say of their tokens, for whoever wants something signed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from services.chassis import Read, Write, fetch_dicts

_TELL = """
    INSERT INTO signers (instance, token, problem, seen_at) VALUES ($1, $2, $3, now())
    ON CONFLICT (instance) DO UPDATE SET token = $2, problem = $3, seen_at = now()
"""
_BEST = "SELECT token, problem, seen_at FROM signers ORDER BY problem IS NOT NULL, seen_at DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Signer:
    """`token` is its kind; `problem` is None while it can sign."""

    token: str
    problem: str | None
    seen_at: datetime


async def tell(engine: AsyncEngine, instance: int, token: str, problem: str | None) -> None:
    async with engine.begin() as tx:
        await tx.exec_driver_sql(_TELL, (instance, token, problem))


async def best(connection: Read | Write) -> Signer | None:
    """The one that can sign, or the one heard of last."""
    rows = await fetch_dicts(connection, _BEST)
    return Signer(**rows[0]) if rows else None
