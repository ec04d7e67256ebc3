"""Settings of reviews, a mixin for the service's own. A bad value stops the process at start and is named."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, SecretStr

from services.partners.review import opening
from services.partners.review.calendar import BusinessCalendar, public_holidays, time_zone
from services.partners.review.clock import SlaPolicy
from services.partners.review.page import PagePolicy
from services.partners.review.pager import Pager, levels_of

LONGEST_HOURS = 2_000
"""A year of business days: a deadline further away is a slip of the keyboard."""


def _read_by(parse: Callable[[str], object]) -> AfterValidator:
    """Kept as text: settings from the environment would have to be JSON otherwise."""

    def check(text: str) -> str:
        parse(text)
        return text

    return AfterValidator(check)


def _targets(urls: SecretStr) -> SecretStr:
    text = urls.get_secret_value()
    if text.strip() and not levels_of(text):
        raise ValueError("has no apprise URL")
    Pager(levels_of(text)).close()
    return urls


Targets = Annotated[SecretStr, AfterValidator(_targets)]
"""Apprise URLs; they hold secrets."""


class ReviewSettings(BaseModel):
    review_sla_hours: Annotated[float, Field(gt=0, le=LONGEST_HOURS, allow_inf_nan=False)] = Field(
        default=16, validation_alias="OTC_REVIEW_SLA_HOURS"
    )
    review_warn_at: Annotated[float, Field(gt=0, lt=1)] = Field(default=0.8, validation_alias="OTC_REVIEW_WARN_AT")
    business_zone: Annotated[str, _read_by(time_zone)] = Field(default="UTC", validation_alias="OTC_BUSINESS_ZONE")
    business_country: Annotated[str, _read_by(lambda text: public_holidays(*opening.place(text)))] = Field(
        default="", validation_alias="OTC_BUSINESS_COUNTRY"
    )
    business_hours: Annotated[str, _read_by(opening.hours)] = Field(
        default="09:00-17:00", validation_alias="OTC_BUSINESS_HOURS"
    )
    business_days: Annotated[str, _read_by(opening.weekdays)] = Field(
        default="mon-fri", validation_alias="OTC_BUSINESS_DAYS"
    )
    business_holidays: Annotated[str, _read_by(opening.dates)] = Field(
        default="", validation_alias="OTC_BUSINESS_HOLIDAYS"
    )
    page_escalate_seconds: Annotated[int, Field(gt=0, le=30 * 86_400)] = Field(
        default=900, validation_alias="OTC_PAGE_ESCALATE_SECONDS"
    )
    page_retry_seconds: Annotated[float, Field(ge=1, le=3_600)] = Field(
        default=60, validation_alias="OTC_PAGE_RETRY_SECONDS"
    )
    """While a pager is down it is tried this often, and at first more often."""
    pager_level_1: Targets = Field(default=SecretStr(""), validation_alias="OTC_PAGER_LEVEL_1")
    pager_level_2: Targets = Field(default=SecretStr(""), validation_alias="OTC_PAGER_LEVEL_2")
    pager_level_3: Targets = Field(default=SecretStr(""), validation_alias="OTC_PAGER_LEVEL_3")
    timers: bool = True
    """Whether this instance has timers and sends pages; one is enough, two do no harm."""

    @property
    def sla(self) -> SlaPolicy:
        country, subdivision = opening.place(self.business_country)
        opens, closes = opening.hours(self.business_hours)
        days, holidays = opening.weekdays(self.business_days), opening.dates(self.business_holidays)
        calendar = BusinessCalendar(self.business_zone, country, subdivision, opens, closes, days, holidays)
        return SlaPolicy(calendar, round(self.review_sla_hours * 3_600), self.review_warn_at)

    @property
    def paging(self) -> PagePolicy:
        return PagePolicy(timedelta(seconds=self.page_escalate_seconds), len(self.page_targets))

    @property
    def longest_page_pause(self) -> timedelta:
        return timedelta(seconds=self.page_retry_seconds)

    @property
    def page_targets(self) -> list[list[str]]:
        """Whom to page, by level; a level without anybody is left out."""
        levels = (self.pager_level_1, self.pager_level_2, self.pager_level_3)
        return levels_of(*(level.get_secret_value() for level in levels))
