"""Fixtures of the review's tests."""

import pytest

from deploy.local.stack import Stack
from tests.partners.review.paging import fake, url
from tests.support.tables import Tables

__all__ = ["fake", "url"]


@pytest.fixture
def tables(stack: Stack) -> Tables:
    return Tables(stack, "partners")
