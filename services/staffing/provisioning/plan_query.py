"""`dry_run=true`: the very handler of a provisioning, in a book read without locks that nobody saves."""

from contracts.message import Query
from contracts.provisioning import Notify, PlanStaff, ProvisionStaff
from services.chassis import Call, Outcome, Read, Refusal, Reply
from services.chassis.queries import QueryHandler
from services.staffing.book import Book
from services.staffing.credentials.caps import OtpLimits
from services.staffing.credentials.notification import Prompts
from services.staffing.credentials.otp import Otp
from services.staffing.desk import Asked, load_book
from services.staffing.provisioning.plans import etag_of, plan_of
from services.staffing.provisioning.provision import provision_staff
from services.staffing.scope import scoped
from services.wire.allowlist import Allowlist
from services.wire.personal import Keyring, MasterKey


class PlanQuestions:
    def __init__(
        self, root_admins: Allowlist, staff_issuer: str, otp: Otp, limits: OtpLimits, master: MasterKey
    ) -> None:
        self._master = master
        self._root_admins, self._staff_issuer, self._otp, self._limits = root_admins, staff_issuer, otp, limits

    def handlers(self) -> dict[type[Query], QueryHandler]:
        return scoped({PlanStaff: self.plan}, self._staff_issuer)

    async def plan(self, query: PlanStaff, call: Call, read: Read) -> Outcome:
        command = ProvisionStaff.model_validate(query.model_dump())
        book = Book(self._root_admins, self._staff_issuer, Prompts(self._otp, self._limits), Keyring(self._master))
        await load_book(read, [Asked(command, call.actor)], book, lock=False)
        # A message to the person is no part of a plan: it would tell what the tenant may not know of them (S2.7).
        outcome = provision_staff(command.model_copy(update={"notify": Notify.NONE}), call, book)
        if isinstance(outcome, Refusal):
            return outcome
        plan = plan_of(outcome, book)
        return Reply(200, plan, etag=etag_of(plan, outcome, command, book))
