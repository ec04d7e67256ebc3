"""Somebody who is being erased: what gives them away, and what a stored answer says without them."""

from dataclasses import dataclass
from typing import Any

import phonenumbers

from contracts.erasure import ERASED
from services.people.erasing import Traces
from services.staffing.account import Account


@dataclass(slots=True)
class Erasure:
    """Somebody who is erased in this batch: the number they had, and what tenants called them."""

    account: Account
    phone: str
    names: frozenset[str] = frozenset()

    @property
    def traces(self) -> Traces:
        number = phonenumbers.national_significant_number(phonenumbers.parse(self.phone))
        return Traces(frozenset({self.phone}), frozenset({number}), self.names)

    def rewrite(self, answer: Any) -> Any:
        """A stored answer without the name; also of a refusal that showed who is there already."""
        for view in (answer, answer.get("existing") or {}):
            if view.get("account_id") == str(self.account.id) and "profile" in view:
                view["profile"]["display_name"] = ERASED
        if (answer.get("diff") or {}).get("display_name"):
            answer["diff"]["display_name"] = {"existing": ERASED, "requested": ERASED}
        return answer
