"""What the fake swap node knows: vouchers it accepted, mints it made, calls it got. SQLite, so it survives a restart.

A mint is due from its voucher's `settles_at` on and is made, once, before anybody looks: no clock of our own runs.
"""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple

from deploy.local.swap_voucher import Voucher

SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    nonce TEXT,
    payload_sha256 TEXT NOT NULL,
    received_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS vouchers (
    nonce TEXT PRIMARY KEY,
    payload_sha256 TEXT NOT NULL,
    invoice_id TEXT NOT NULL,
    amount TEXT NOT NULL,
    currency TEXT NOT NULL,
    recipient TEXT NOT NULL,
    fate TEXT NOT NULL CHECK (fate IN ('MINTED', 'FAILED')),
    settles_at TEXT NOT NULL
);
-- Unique by nonce and not by invoice: a test must be able to see an invoice minted twice, were there one.
CREATE TABLE IF NOT EXISTS mints (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    invoice_id TEXT NOT NULL,
    nonce TEXT NOT NULL CONSTRAINT one_mint_a_nonce UNIQUE REFERENCES vouchers (nonce),
    amount TEXT NOT NULL,
    currency TEXT NOT NULL,
    recipient TEXT NOT NULL,
    tx_hash TEXT NOT NULL UNIQUE,
    minted_at TEXT NOT NULL
);
"""
_SETTLE = """
    INSERT INTO mints (invoice_id, nonce, amount, currency, recipient, tx_hash, minted_at)
    SELECT invoice_id, nonce, amount, currency, recipient, '0x' || lower(hex(randomblob(32))), settles_at
    FROM vouchers WHERE fate = 'MINTED' AND settles_at <= ? ORDER BY settles_at
    ON CONFLICT (nonce) DO NOTHING
"""
_FIND = """
    SELECT v.payload_sha256, CASE WHEN v.settles_at <= ? THEN v.fate ELSE 'ACCEPTED' END, m.tx_hash
    FROM vouchers v LEFT JOIN mints m USING (nonce) WHERE v.nonce = ?
"""
_MINTS = """
    SELECT invoice_id, nonce, amount, currency, recipient, tx_hash, minted_at
    FROM mints WHERE ?1 IS NULL OR invoice_id = ?1 ORDER BY position
"""
_CALLS = """
    SELECT nonce, payload_sha256, received_at FROM calls WHERE ?1 IS NULL OR nonce = ?1 ORDER BY position
"""


class Entry(NamedTuple):
    """An accepted voucher; it has a transaction once it is MINTED."""

    voucher_hash: str
    status: Literal["ACCEPTED", "MINTED", "FAILED"]
    tx_hash: str | None


class Ledger:
    """One row an accepted nonce, one row a mint."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.row_factory = sqlite3.Row
        self._database.executescript(SCHEMA)

    def note_call(self, nonce: str | None, payload_sha256: str) -> None:
        statement = "INSERT INTO calls (nonce, payload_sha256, received_at) VALUES (?, ?, ?)"
        self._database.execute(statement, (nonce, payload_sha256, _text(datetime.now(UTC))))

    def accept(self, voucher: Voucher, payload_sha256: str, *, delay: float, fails: bool) -> None:
        """Take in a voucher whose nonce is new; it is settled after `delay` seconds."""
        fate, settles_at = "FAILED" if fails else "MINTED", datetime.now(UTC) + timedelta(seconds=delay)
        facts = (voucher.invoice_id, voucher.amount, voucher.currency, voucher.recipient)
        self._database.execute(
            "INSERT INTO vouchers (nonce, payload_sha256, invoice_id, amount, currency, recipient, fate, settles_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (voucher.nonce, payload_sha256, *facts, fate, _text(settles_at)),
        )

    def find(self, nonce: str) -> Entry | None:
        row = self._database.execute(_FIND, (self._settle(), nonce)).fetchone()
        return Entry(*row) if row else None

    def mints(self, invoice_id: str | None) -> list[dict[str, Any]]:
        """Of one invoice or of all, oldest first."""
        self._settle()
        return [dict(row) for row in self._database.execute(_MINTS, (invoice_id,))]

    def calls(self, nonce: str | None) -> list[dict[str, Any]]:
        """Submissions received, of one nonce or of all, oldest first, whatever became of them."""
        return [dict(row) for row in self._database.execute(_CALLS, (nonce,))]

    def _settle(self) -> str:
        """Make the mints that are due; returns the moment that was looked at."""
        now = _text(datetime.now(UTC))
        self._database.execute(_SETTLE, (now,))
        return now


def _text(moment: datetime) -> str:
    """All of one length, so that they compare as text."""
    return moment.isoformat(timespec="microseconds")
