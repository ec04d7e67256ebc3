"""`POST /api/v1/tenants/{t}/staff`: each request adds a person nobody knows to one branch of one of a few tenants."""

import itertools
import json
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
from uuid_utils.compat import uuid7

from deploy.local.environment import AUDIENCE, STAFF_ISSUER
from deploy.local.stack import Stack
from services.staffing.session import Tokens
from services.staffing.tenant import SEEDED_ROLES
from tests.benchmarks.client import post
from tests.benchmarks.workload import MONOLITH, Batch

TENANTS = 16
FIRST_NUMBER = 750_000_000
"""Swiss mobile numbers from here on are all valid: +41 75 to +41 79."""
EVENTS_A_PERSON = 4
_TENANT = """
    INSERT INTO {schema}.tenants (id, name, region, status, created_at, updated_at, version)
    VALUES ($1, 'Wechselstube', 'CH', 'ACTIVE', $5, $5, 1)
"""
_ROLE = "INSERT INTO {schema}.tenant_roles (tenant_id, role_key, level) VALUES ($1, $2, $3)"
_BRANCH = """
    INSERT INTO {schema}.branches (id, tenant_id, name, status, created_at, updated_at, version)
    VALUES ($2, $1, 'Bahnhofstrasse', 'ACTIVE', $5, $5, 1)
"""
_ACCOUNT = """
    INSERT INTO {schema}.accounts (id, phone, status, created_at, version) VALUES ($3, $4, 'UNVERIFIED', $5, 1)
"""
_OWNER = """
    INSERT INTO {schema}.memberships
        (id, tenant_id, account_id, kind, role_key, status, created_at, updated_at, version)
    VALUES ($2, $1, $3, 'OWNER', 'ADMIN', 'ACTIVE', $5, $5, 1)
"""
_PROFILE = """
    INSERT INTO {schema}.staff_profiles (tenant_id, account_id, display_name, status, active_since)
    VALUES ($1, $3, 'Owner', 'ACTIVE', $5)
"""
_COUNT = """
    WITH people AS (SELECT id FROM {schema}.accounts WHERE phone = ANY($1::text[])),
         seats AS (SELECT id FROM {schema}.memberships WHERE account_id IN (TABLE people))
    SELECT (SELECT count(*) FROM people), (SELECT count(*) FROM seats),
           (SELECT count(*) FROM {schema}.staff_profiles WHERE account_id IN (TABLE people)),
           (SELECT count(*) FROM {schema}.branch_assignments WHERE account_id IN (TABLE people)),
           (SELECT count(*) FROM {events} WHERE aggregate_id IN (TABLE people UNION ALL TABLE seats))
"""
