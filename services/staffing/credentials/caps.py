"""How often a code may be sent: a cool-down for each phone, and caps an hour for phone, address, tenant and country.

Counted in PostgreSQL, in the transaction that makes the message due: the counters' rows are locked in the order of
their keys, after tenants and accounts, so what two instances send at once is counted once each and never too late.
Phones that are known and phones that are not are counted alike (P9). A key is an HMAC: no phone or address is kept.
"""

import ipaddress
from collections.abc import Collection
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import ceil
from typing import NamedTuple
from uuid import UUID

import phonenumbers

from contracts.failures import Code
from services.chassis import Refusal, Write
from services.staffing.credentials.otp import Otp
from services.staffing.settings import StaffingSettings

HOUR = timedelta(hours=1)
SITE_PREFIX = 64

_LOCK = """
    INSERT INTO otp_counters (key, counted, since)
    SELECT key, 0, now() FROM unnest($1::bytea[]) AS wanted(key) ORDER BY key
    ON CONFLICT (key) DO UPDATE SET counted = otp_counters.counted
    RETURNING key, counted, since, asked_at
"""
_COUNT = """
    UPDATE otp_counters c SET counted = n.counted, since = n.since, asked_at = n.asked_at
    FROM unnest($1::bytea[], $2::int[], $3::timestamptz[], $4::timestamptz[]) AS n(key, counted, since, asked_at)
    WHERE c.key = n.key
"""


class Scope(StrEnum):
    """What is counted. Its name is part of the key, so that a phone is never taken for an address."""

    PHONE = "phone"
    IP = "ip"
    TENANT = "tenant"
    COUNTRY = "country"


Keys = dict[Scope, bytes]
"""What one message counts for."""


class OtpLimits(NamedTuple):
    """How long between two codes that somebody asks for, and how many messages an hour in each scope."""

    cooldown: timedelta
    hourly: dict[Scope, int]

    @classmethod
    def of(cls, settings: StaffingSettings) -> "OtpLimits":
        hourly = {
            Scope.PHONE: settings.otp_hourly_per_phone,
            Scope.IP: settings.otp_hourly_per_ip,
            Scope.TENANT: settings.otp_hourly_per_tenant,
            Scope.COUNTRY: settings.otp_hourly_per_country,
        }
        return cls(timedelta(seconds=settings.otp_cooldown_seconds), hourly)


@dataclass(slots=True)
class Counter:
    """Messages since the first of an hour; the next one after that hour begins anew.

    `asked_at` is when somebody last asked for a code themselves: only that starts a cool-down.
    """

    key: bytes
    counted: int
    since: datetime
    asked_at: datetime | None = None

    def wait(self, cap: int, now: datetime) -> timedelta | None:
        """How long until one more fits; None when it does."""
        if self._is_over(now) or self.counted < cap:
            return None
        return self.since + HOUR - now

    def count(self, now: datetime, *, asked: bool) -> None:
        if self._is_over(now) or self.counted == 0:
            self.counted, self.since = 0, now
        self.counted += 1
        self.asked_at = now if asked else self.asked_at

    def _is_over(self, now: datetime) -> bool:
        return now >= self.since + HOUR


@dataclass(slots=True)
class Caps:
    """The counters of one batch: `lock` those of all its messages, then ask for each of them."""

    otp: Otp
    limits: OtpLimits
    counters: dict[bytes, Counter] = field(default_factory=dict)
    counted: set[bytes] = field(default_factory=set)
    phones: dict[str, Keys] = field(default_factory=dict)

    def copied(self) -> "Caps":
        """For a trial: what it counts is counted only if it is kept."""
        counters = {key: copy(counter) for key, counter in self.counters.items()}
        return replace(self, counters=counters, counted=set(self.counted))

    def of_phone_alone(self, phone: str) -> bytes:
        """The key of the counter that is about this number and no other."""
        return self._of_phone(phone)[Scope.PHONE]

    def of_person(self, phone: str | None, ip: str | None) -> Keys:
        """Keys of somebody who asks for a code themselves; an address counts even where the phone is none."""
        keys = self._of_phone(phone) if phone else {}
        return keys | ({Scope.IP: self._key(Scope.IP, _site(ip))} if ip else {})

    def of_tenant(self, phone: str, tenant_id: UUID) -> Keys:
        """Keys of a message that a tenant causes."""
        return self._of_phone(phone) | {Scope.TENANT: self._key(Scope.TENANT, str(tenant_id))}

    def ask(self, keys: Keys, now: datetime) -> Refusal | None:
        """Somebody asks themselves: counted, or OTP_COOLDOWN or OTP_RATE_LIMIT with the seconds to wait."""
        cooled = self._cooled(keys)
        if cooled and now < cooled:
            return _later(Code.OTP_COOLDOWN, cooled - now)
        waits = self._waits(keys, now)
        if waits:
            return _later(Code.OTP_RATE_LIMIT, max(waits))
        self._count(keys, now, asked=True)
        return None

    def prompt(self, keys: Keys, now: datetime) -> bool:
        """A tenant prompts somebody: counted in all scopes or, where one is full, in none and False.

        Neither held up by a cool-down nor starting one: the answers of either would tell of the other.
        """
        if self._waits(keys, now):
            return False
        self._count(keys, now, asked=False)
        return True

    def _cooled(self, keys: Keys) -> datetime | None:
        phone = self.counters.get(keys.get(Scope.PHONE, b""))
        return phone.asked_at + self.limits.cooldown if phone and phone.asked_at else None

    def _waits(self, keys: Keys, now: datetime) -> list[timedelta]:
        waits = (self.counters[key].wait(self.limits.hourly[scope], now) for scope, key in keys.items())
        return [wait for wait in waits if wait is not None]

    def _count(self, keys: Keys, now: datetime, *, asked: bool) -> None:
        for key in keys.values():
            self.counters[key].count(now, asked=asked)
            self.counted.add(key)

    def _of_phone(self, phone: str) -> Keys:
        if phone not in self.phones:
            region = phonenumbers.region_code_for_number(phonenumbers.parse(phone)) or "?"
            country = self._key(Scope.COUNTRY, region)
            self.phones[phone] = {Scope.PHONE: self._key(Scope.PHONE, phone), Scope.COUNTRY: country}
        return self.phones[phone]

    def _key(self, scope: Scope, what: str) -> bytes:
        return self.otp.digest(f"cap:{scope}:{what}".encode())


def begin(caps: Caps, keys: Collection[bytes]) -> None:
    """Counters for a look at what a call would do: nothing was sent yet, and nothing is counted."""
    caps.counters |= {key: Counter(key, 0, datetime.now(UTC)) for key in keys}


async def lock_counters(tx: Write, caps: Caps, keys: Collection[bytes]) -> None:
    """Lock and read these counters; those that are not there yet begin at nought."""
    if keys:
        for row in await tx.exec_driver_sql(_LOCK, (sorted(keys),)):
            caps.counters[row.key] = Counter(row.key, row.counted, row.since, row.asked_at)


async def save_counters(tx: Write, caps: Caps) -> None:
    counters = [caps.counters[key] for key in sorted(caps.counted)]
    if counters:
        columns = zip(*((c.key, c.counted, c.since, c.asked_at) for c in counters), strict=True)
        await tx.exec_driver_sql(_COUNT, tuple(list(column) for column in columns))


def _later(code: Code, wait: timedelta) -> Refusal:
    return Refusal(code, extra={"retry_after": max(1, ceil(wait.total_seconds()))})


def _site(ip: str) -> str:
    """Whoever has an IPv6 address has its whole /64."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ip
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or ipaddress.ip_network((address, SITE_PREFIX), strict=False))
    return str(address)
