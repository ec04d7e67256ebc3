"""`POST /api/v1/partners`: each request applies for a new partner with two contacts and two stored documents."""

import base64
import json
import os
import random
from collections.abc import Collection
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from contracts.partners import DocumentKind
from deploy.local.stack import Stack
from deploy.local.state import DOCUMENTS
from services.partners.dossiers.upload import LIFETIME, object_key
from tests.benchmarks import objects, tokens
from tests.benchmarks.client import post
from tests.benchmarks.workload import GATEHOUSE, Batch, split

PATH = "/api/v1/partners"
KINDS = (DocumentKind.KYB, DocumentKind.LICENSING)
ROLE = "RolePartnerAdmin"
APPLICANT_SECONDS = float(os.environ.get("BENCH_APPLICANT_SECONDS", "600"))
"""Filling in a form and uploading two documents takes applicants anything up to this."""
_RESERVE = """
    INSERT INTO {schema}.uploads
        (id, object_key, partner_id, document, content_type, size, sha256, issuer, subject, created_at, expires_at)
    SELECT unnest($1::uuid[]), unnest($2::text[]), unnest($3::uuid[]), unnest($4::text[]),
           $5, $6, $7, $8, unnest($9::text[]), $10, $11
"""
_COUNT = """
    WITH pages AS (SELECT id FROM {schema}.pages WHERE partner_id = ANY($1::uuid[]))
    SELECT (SELECT count(*) FROM {schema}.partners WHERE id = ANY($1::uuid[])),
           (SELECT count(*) FROM {schema}.partner_contacts WHERE partner_id = ANY($1::uuid[])),
           (SELECT count(*) FROM {schema}.dossier_documents WHERE partner_id = ANY($1::uuid[])),
           (SELECT count(*) FROM {schema}.reviews WHERE partner_id = ANY($1::uuid[])),
           (SELECT count(*) FROM pages),
           (SELECT count(*) FROM {schema}.page_deliveries WHERE page_id IN (TABLE pages)),
           (SELECT count(*) FROM {schema}.{events}
            WHERE aggregate_id = ANY($1::uuid[]) OR aggregate_id IN (TABLE pages))
"""


class Partners:
    """Prepares what a partner admin would have done before: a token, two reserved uploads, two PUTs."""

    name = "partners"

    def __init__(self, stack: Stack, pool: Executor) -> None:
        self._state, self._pool = stack.state, pool
        self._keys = stack.home.data("oidc") / "keys.json"
        self._issuer = self._state.url("oidc")
        secrets, port = self._state.secrets, self._state.ports["s3"]
        self._bucket = objects.Bucket(port, DOCUMENTS, secrets["s3_access_key"], secrets["s3_secret_key"])

    async def prepare(self, count: int, systems: Collection[str]) -> Batch:
        """`count` requests that each succeed once on every system named."""
        now = datetime.now(UTC)
        ids = [_reserved(now) for _ in range(count)]
        keys = {pid: [object_key(pid, kind, now) for kind in KINDS] for pid in ids}
        subjects = [f"applicant-{pid}" for pid in ids]
        signed = [self._pool.submit(tokens.issue, self._keys, self._issuer, ROLE, part) for part in split(subjects)]
        flat = [key for pid in ids for key in keys[pid]]
        stored = [self._pool.submit(objects.put, self._bucket, part) for part in split(flat)]
        connection = await asyncpg.connect(self._state.admin_dsn)
        try:
            for schema in {_schema(system) for system in systems}:
                await self._reserve(connection, schema, ids, keys, now)
        finally:
            await connection.close()
        bearers = [token for part in signed for token in part.result()]
        for part in stored:
            part.result()
        requests = [_request(pid, keys[pid], bearer) for pid, bearer in zip(ids, bearers, strict=True)]
        return Batch(requests, [str(pid) for pid in ids])

    async def _reserve(
        self, connection: asyncpg.Connection, schema: str, ids: list[UUID], keys: dict[UUID, list[str]], now: datetime
    ) -> None:
        rows = [(pid, key, kind.value) for pid in ids for key, kind in zip(keys[pid], KINDS, strict=True)]
        owners, paths, kinds = (list(column) for column in zip(*rows, strict=True))
        fixed = (objects.CONTENT_TYPE, len(objects.DOCUMENT), objects.SHA256, self._issuer)
        subjects = [f"applicant-{pid}" for pid in owners]
        until = now + LIFETIME + timedelta(hours=1)
        statement = _RESERVE.format(schema=schema)
        await connection.execute(statement, [uuid7() for _ in rows], paths, owners, kinds, *fixed, subjects, now, until)

    async def count(self, system: str, ids: list[str]) -> tuple[int, ...]:
        """Partners, contacts, documents, reviews, pages, their deliveries, and events."""
        schema, events = _schema(system), "outbox" if system == GATEHOUSE else "events"
        connection = await asyncpg.connect(self._state.admin_dsn)
        try:
            return tuple(await connection.fetchrow(_COUNT.format(schema=schema, events=events), ids))
        finally:
            await connection.close()

    def rows_of(self, commands: int) -> tuple[int, ...]:
        return commands, 2 * commands, 2 * commands, commands, commands, commands, 2 * commands


def _reserved(now: datetime) -> UUID:
    """An id whose UUIDv7 says that it was reserved a while ago: who applies now did not reserve at one moment."""
    moment = now.timestamp() - random.uniform(0, APPLICANT_SECONDS)  # noqa: S311 - not a secret
    return uuid7(nanoseconds=int(moment * 1e9))


def _schema(system: str) -> str:
    return "partners" if system == GATEHOUSE else system


def _request(partner_id: UUID, keys: list[str], bearer: str) -> bytes:
    number = partner_id.int % 10_000_000
    body = {
        "name": f"Bergbahn Bau {number}",
        "legal_name": f"Bergbahn Bau {number} Aktiengesellschaft",
        "kyb_object_key": keys[0],
        "licensing_object_key": keys[1],
        "contacts": [_contact(f"applicant-{partner_id}", "director"), _contact(f"second-{partner_id}", "accountant")],
    }
    headers = {"Authorization": f"Bearer {bearer}", "Idempotency-Key": base64.b16encode(partner_id.bytes).decode()}
    return post(PATH, headers, json.dumps(body).encode())


def _contact(subject: str, role: str) -> dict[str, str]:
    return {
        "name": "Ada Zurbriggen",
        "email": f"{subject}@bergbahn.example",
        "phone": "+41 (0)44 668 18 00",
        "role": role,
        "subject": subject,
    }
