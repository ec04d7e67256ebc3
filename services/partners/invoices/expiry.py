"""Invoices that ran out of time. The timer only issues commands: what becomes of an invoice is the handler's word."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from contracts.invoices import ExpireInvoice
from services.chassis import OwnCommands, fetch
from services.chassis.patience import wait_out
from services.partners.invoices.invoice import UNSIGNED

SWEEP_SECONDS = 15.0
AT_ONCE = 500
GRACE = timedelta(minutes=5)
"""Clocks differ: who asks too early is told "not yet". Nobody gains by it, for the deadline binds by itself."""

_DUE = f"""
    SELECT id, version, expires_at FROM invoices
    WHERE state IN ({", ".join(f"'{state}'" for state in sorted(UNSIGNED))}) AND expires_at <= $1
    ORDER BY expires_at, id LIMIT $2
"""  # noqa: S608


class ExpiryTimer:
    """Two instances may sweep at once: the same invoice at the same version is the same intent."""

    def __init__(self, engine: AsyncEngine, own_commands: OwnCommands) -> None:
        self._engine, self._own_commands = engine, own_commands

    async def run(self) -> None:
        """Sweep until cancelled; database and broker are waited for."""
        while True:
            await wait_out(self.sweep)
            await asyncio.sleep(SWEEP_SECONDS)

    async def sweep(self) -> Sequence[UUID]:
        """Ask for the end of whatever is due; returns the invoices."""
        now = datetime.now(UTC)
        async with self._engine.connect() as connection:
            due = await fetch(connection, _DUE, now - GRACE, AT_ONCE)
        for invoice in due:
            await self._own_commands.send(ExpireInvoice(invoice_id=invoice.id), _intent(invoice, now))
        return [invoice.id for invoice in due]


def _intent(invoice: Any, now: datetime) -> str:
    """The hour makes a new intent of one that took no effect: an answer of "not yet" is kept under its id for ever."""
    hours = int((now - invoice.expires_at).total_seconds() // 3600)
    return f"{invoice.id}:{invoice.version}:{hours}"
