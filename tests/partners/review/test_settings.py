"""Opening hours as an operator writes them; what cannot be read stops the process and is named."""

from datetime import date, time, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.partners.review import opening
from services.partners.review.page import PagePolicy
from services.partners.review.settings import ReviewSettings
from services.partners.settings import PartnersSettings
from services.wire.settings import load

NEEDED = {
    "GATEHOUSE_SERVICE": "partners",
    "GATEHOUSE_HTTP_PORT": "1",
    "GATEHOUSE_KAFKA_BOOTSTRAP": "nowhere:1",
    "GATEHOUSE_KAFKA_USERNAME": "partners",
    "GATEHOUSE_KAFKA_PASSWORD": "x",
    "GATEHOUSE_DATABASE_URL": "postgresql://nowhere",
    "GATEHOUSE_ACTOR_PUBLIC_KEY": "x",
    "GATEHOUSE_SERVICE_SIGNING_KEY": "x",
    "GATEHOUSE_S3_ENDPOINT": "http://nowhere",
    "GATEHOUSE_S3_ACCESS_KEY": "x",
    "GATEHOUSE_S3_SECRET_KEY": "x",
    "OTC_S3_BUCKET": "documents",
    "GATEHOUSE_EXPORT_BUCKET": "exports",
    "GATEHOUSE_OIDC_ISSUER": "https://id.example",
}


def loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **settings: str) -> PartnersSettings:
    """As the process loads them, from the file that GATEHOUSE_SETTINGS names."""
    file = tmp_path / "settings"
    file.write_text("".join(f"{name}={value}\n" for name, value in {**NEEDED, **settings}.items()))
    monkeypatch.setenv("GATEHOUSE_SETTINGS", str(file))
    return load(PartnersSettings)


def test_the_usual_is_two_working_days_of_utc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sla = loaded(monkeypatch, tmp_path).sla

    assert (sla.target_seconds, sla.warn_seconds) == (57_600, 46_080)
    calendar = sla.calendar
    assert (calendar.zone, calendar.country) == ("UTC", None)
    assert (calendar.opens, calendar.closes) == (time(9), time(17))
    assert calendar.weekdays == frozenset(range(5))


def test_everything_can_be_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = loaded(
        monkeypatch,
        tmp_path,
        OTC_REVIEW_SLA_HOURS="7.5",
        OTC_REVIEW_WARN_AT="0.5",
        OTC_BUSINESS_ZONE="Europe/Zurich",
        OTC_BUSINESS_COUNTRY="CH-ZH",
        OTC_BUSINESS_HOURS="08:30-24:00",
        OTC_BUSINESS_DAYS="sun-thu",
        OTC_BUSINESS_HOLIDAYS="2026-12-24, 2026-12-31",
        OTC_PAGE_ESCALATE_SECONDS="60",
        OTC_PAGE_RETRY_SECONDS="5",
        OTC_PAGER_LEVEL_1="json://pager.example/duty",
        OTC_PAGER_LEVEL_3="json://pager.example/head, json://pager.example/deputy",
    )

    calendar = settings.sla.calendar
    assert (settings.sla.target_seconds, settings.sla.warn_seconds) == (27_000, 13_500)
    assert (calendar.zone, calendar.country, calendar.subdivision) == ("Europe/Zurich", "CH", "ZH")
    assert (calendar.opens, calendar.closes) == (time(8, 30), time(0))
    assert calendar.weekdays == frozenset({6, 0, 1, 2, 3})
    assert calendar.extra_holidays == {date(2026, 12, 24), date(2026, 12, 31)}
    assert settings.paging == settings.rules().paging == PagePolicy(timedelta(seconds=60), levels=2)
    assert settings.longest_page_pause == timedelta(seconds=5)
    assert [len(level) for level in settings.page_targets] == [1, 2]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTC_REVIEW_SLA_HOURS", "0"),
        ("OTC_REVIEW_SLA_HOURS", "nan"),
        ("OTC_REVIEW_SLA_HOURS", "soon"),
        ("OTC_REVIEW_WARN_AT", "0"),
        ("OTC_REVIEW_WARN_AT", "80"),
        ("OTC_REVIEW_WARN_AT", "nan"),
        ("OTC_BUSINESS_ZONE", "Europe/Atlantis"),
        ("OTC_BUSINESS_ZONE", "/etc/localtime"),
        ("OTC_BUSINESS_COUNTRY", "Germany"),
        ("OTC_BUSINESS_COUNTRY", "DE-XX"),
        ("OTC_BUSINESS_HOURS", "nine to five"),
        ("OTC_BUSINESS_HOURS", "17:00-09:00"),
        ("OTC_BUSINESS_HOURS", "09:00-25:00"),
        ("OTC_BUSINESS_HOURS", "09:00+01:00-17:00"),
        ("OTC_BUSINESS_DAYS", "weekdays"),
        ("OTC_BUSINESS_DAYS", ""),
        ("OTC_BUSINESS_HOLIDAYS", "24.12.2026"),
        ("OTC_PAGE_ESCALATE_SECONDS", "0"),
        ("OTC_PAGE_ESCALATE_SECONDS", "15m"),
        ("OTC_PAGER_LEVEL_1", "s3cret"),
        ("OTC_PAGER_LEVEL_2", "nothing://s3cret"),
        ("GATEHOUSE_TIMERS", "perhaps"),
    ],
)
def test_a_bad_value_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ValidationError) as refused:
        loaded(monkeypatch, tmp_path, **{name: value})

    [error] = refused.value.errors()
    assert name in {error["loc"][0], f"GATEHOUSE_{error['loc'][0]}".upper()}
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "days"),
    [("mon-fri", {0, 1, 2, 3, 4}), ("Sat,Sun", {5, 6}), ("fri-mon", {4, 5, 6, 0}), ("mon-sun", set(range(7)))],
)
def test_days_are_ranges_and_lists(text: str, days: set[int]) -> None:
    assert opening.weekdays(text) == days


def test_a_policy_without_settings_is_the_usual_one() -> None:
    assert ReviewSettings().sla.target_seconds == 57_600
