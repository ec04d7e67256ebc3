"""How the desk is set up comes from settings; what can't be read stops the process at start."""

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import ValidationError

from deploy.local.stack import Stack
from services.partners.invoices.limits import load_limits
from tests.partners.invoices.till import RECIPIENT
from tests.partners.test_documents import settings_of


def test_without_settings_the_defaults_hold(stack: Stack) -> None:
    rules = settings_of(stack).invoice_rules()

    assert rules.limits == load_limits(None)
    assert rules.lifetime == timedelta(hours=168)
    assert rules.recipients.approves(uuid4(), RECIPIENT)


def test_limits_recipients_and_lifetime_are_settings(stack: Stack, tmp_path: Path) -> None:
    limits, recipients = tmp_path / "limits.json", tmp_path / "recipients"
    limits.write_text(json.dumps({"CHF": {"invoice": "1", "partner_day": "2", "region_day": "3.50"}}))
    recipients.write_text("\n")
    named = {"OTC_LIMITS_FILE": limits, "OTC_RECIPIENTS_FILE": recipients, "OTC_INVOICE_HOURS": 2}

    rules = settings_of(stack, **named).invoice_rules()

    assert rules.limits.ceilings["CHF"].region_day == Decimal("3.5")
    assert not rules.limits.supports("USD")
    assert rules.lifetime == timedelta(hours=2)
    assert not rules.recipients.approves(uuid4(), RECIPIENT)


def test_limits_that_are_gone_stop_the_start(stack: Stack, tmp_path: Path) -> None:
    settings = settings_of(stack, OTC_LIMITS_FILE=tmp_path / "nowhere")

    with pytest.raises(FileNotFoundError):
        settings.invoice_rules()


@pytest.mark.parametrize("hours", [0, -1, 24 * 367])
def test_a_lifetime_of_no_time_or_more_than_a_year_is_refused(stack: Stack, hours: int) -> None:
    with pytest.raises(ValidationError, match="OTC_INVOICE_HOURS"):
        settings_of(stack, OTC_INVOICE_HOURS=hours)
