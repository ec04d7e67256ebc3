"""Files with people's data do not outlive an erasure: their time is over, and so is that of those under way.

From the commit on nobody is given a link; the bucket loses the file with the next sweep of `expiry`. Rows that were
copied for a file go at once: what is written without them is never handed out.
"""

from collections.abc import Iterable

from services.chassis import Write
from services.exports.dataset import Dataset

_OVER = """
    UPDATE exports SET expires_at = now()
    WHERE dataset = ANY($1::text[]) AND state IN ('REQUESTED', 'RUNNING', 'READY')
        AND (expires_at IS NULL OR expires_at > now())
"""
_COPIES = """
    DELETE FROM export_rows USING exports e WHERE e.id = export_id AND e.dataset = ANY($1::text[])
"""


async def end_files(tx: Write, datasets: Iterable[Dataset]) -> None:
    """Of every dataset that holds a person's data."""
    names = [dataset.name for dataset in datasets if dataset.personal]
    await tx.exec_driver_sql(_OVER, (names,))
    await tx.exec_driver_sql(_COPIES, (names,))
