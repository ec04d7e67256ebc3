"""Importing this registers the cases of every service."""

from tests.support import (
    erasure_cases,
    export_cases,
    hold_cases,
    invoice_cases,
    membership_cases,
    mint_cases,
    partner_cases,
    review_cases,
    staffing_cases,
)
from tests.support.cases import CASES

MODULES = (
    export_cases,
    erasure_cases,
    hold_cases,
    invoice_cases,
    membership_cases,
    mint_cases,
    partner_cases,
    review_cases,
    staffing_cases,
)
ALL_CASES = dict(CASES)
