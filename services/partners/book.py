"""What one batch sees and changes: loaded and locked before the handlers run, written after them."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from contracts.message import Actor
from services.exports.book import ExportBook
from services.partners.decisions.decide import Decided
from services.partners.decisions.root_admins import RootAdmins
from services.partners.decisions.rules import Rules
from services.partners.dossiers.evidence import Finding
from services.partners.dossiers.filing import Filed
from services.partners.dossiers.upload import Upload
from services.partners.erasure.erased import ErasedContact
from services.partners.invoices.ledger import Ledger
from services.partners.mint.ledger import Vouchers
from services.partners.partner import Partner, person_of
from services.partners.records import (
    CANCELLED,
    Approval,
    Deactivation,
    DeactivationKey,
    Filing,
    Member,
    Person,
    Proposal,
)
from services.partners.review.clock import ReviewClock
from services.partners.review.page import Page
from services.wire.allowlist import Allowlist
from services.wire.personal import Keyring

Place = tuple[UUID, int]
"""A stay in a roster: partner and position."""
Round = tuple[UUID, int]
"""One round of a partner's review; a batch may close one and open the next."""


@dataclass(slots=True)
class Book:
    """Handlers read and change this in memory; one handler sees what an earlier one of its batch did.

    `taken` is who acts for which partner, `waiting` whom the identity provider still has to deactivate; both only for
    people the batch names. The `new_…` and `changed_…` fields are what `save` writes.
    """

    root_admins: Allowlist
    presign: Callable[[Upload], tuple[str, dict[str, str]]]
    keys: Keyring
    evidence: Mapping[str, Finding] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)
    ledger: Ledger = field(default_factory=Ledger)
    vouchers: Vouchers = field(default_factory=Vouchers)
    exports: ExportBook = field(default_factory=ExportBook)
    partners: dict[UUID, Partner] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    taken: dict[Person, UUID] = field(default_factory=dict)
    waiting: defaultdict[Person, list[Deactivation]] = field(default_factory=lambda: defaultdict(list))
    deactivations: dict[DeactivationKey, Deactivation] = field(default_factory=dict)
    allowlist: RootAdmins = field(default_factory=RootAdmins)
    reviews: dict[UUID, ReviewClock] = field(default_factory=dict)
    pages: dict[UUID, Page] = field(default_factory=dict)
    new_uploads: list[Upload] = field(default_factory=list)
    new_partners: list[Partner] = field(default_factory=list)
    changed_partners: dict[UUID, Partner] = field(default_factory=dict)
    new_members: dict[Place, Member] = field(default_factory=dict)
    changed_members: dict[Place, Member] = field(default_factory=dict)
    filings: list[Filing] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)
    new_proposals: list[Proposal] = field(default_factory=list)
    closed_proposals: list[Proposal] = field(default_factory=list)
    new_deactivations: list[Deactivation] = field(default_factory=list)
    settled_deactivations: list[Deactivation] = field(default_factory=list)
    erasures: list[ErasedContact] = field(default_factory=list)
    changed_allowlist: bool = False
    changed_reviews: dict[Round, ReviewClock] = field(default_factory=dict)
    new_pages: list[Page] = field(default_factory=list)
    changed_pages: dict[UUID, Page] = field(default_factory=dict)
    _owners: dict[UUID, Person] = field(default_factory=dict)
    _pages_of: defaultdict[UUID, list[Page]] | None = None

    def add_upload(self, upload: Upload) -> None:
        self.know_upload(upload)
        self.new_uploads.append(upload)

    def know_upload(self, upload: Upload) -> None:
        """Uploads must come oldest first."""
        self.uploads[upload.object_key] = upload
        self._owners.setdefault(upload.partner_id, (upload.issuer, upload.subject))

    def reserved_by(self, partner_id: UUID) -> Person | None:
        """Who reserved this partner's id: the subject of its first upload."""
        return self._owners.get(partner_id)

    def is_owner(self, partner_id: UUID, actor: Actor) -> bool:
        return self.reserved_by(partner_id) == person_of(actor)

    def know_deactivation(self, deactivation: Deactivation) -> None:
        self.deactivations[deactivation.key] = deactivation
        self.waiting[deactivation.person].append(deactivation)

    def pages_of(self, partner_id: UUID) -> list[Page]:
        """Looked up, not searched for: every application of a batch asks."""
        if self._pages_of is None:
            self._pages_of = defaultdict(list)
            for page in self.pages.values():
                self._pages_of[page.partner_id].append(page)
        return self._pages_of[partner_id]

    def add_page(self, page: Page) -> None:
        self.pages_of(page.partner_id).append(page)
        self.pages[page.id] = page
        self.new_pages.append(page)

    def add_partner(self, partner: Partner, filing: Filing) -> None:
        self.partners[partner.id] = partner
        self.new_partners.append(partner)
        self.filings.append(filing)
        for member in partner.contacts:
            self._begin(partner.id, member)

    def change(self, partner: Partner) -> None:
        """The partner's own row is to be written."""
        self.changed_partners[partner.id] = partner

    def record_filed(self, partner: Partner, filed: Filed) -> None:
        self.change(partner)
        for member in filed.changed:
            self._change_member(partner.id, member)
        for member in filed.began:
            self._begin(partner.id, member)
        if filed.filing:
            self.filings.append(filed.filing)
        if filed.lapsed:
            self._close(filed.lapsed)

    def record_decided(self, partner: Partner, decided: Decided) -> None:
        self.change(partner)
        if decided.closed:
            self._close(decided.closed)
        if decided.approval:
            self.approvals.append(decided.approval)
        elif partner.proposal:
            self.new_proposals.append(partner.proposal)

    def record_erased(self, partner: Partner, erased: ErasedContact) -> None:
        self.change(partner)
        self.erasures.append(erased)
        for position in erased.places:
            self.changed_members[partner.id, position] = partner.contacts[position]

    def settle(self, deactivation: Deactivation, status: str, at: datetime) -> None:
        deactivation.settle(status, at)
        if deactivation not in self.new_deactivations:
            self.settled_deactivations.append(deactivation)

    def _close(self, proposal: Proposal) -> None:
        if proposal not in self.new_proposals:
            self.closed_proposals.append(proposal)

    def _begin(self, partner_id: UUID, member: Member) -> None:
        """A stay begins: nobody has to deactivate this person any more."""
        self.new_members[partner_id, member.position] = member
        self.taken[member.person] = partner_id
        for row in self.waiting.pop(member.person, ()):
            if row.is_pending:
                self.settle(row, CANCELLED, member.added_at)

    def _change_member(self, partner_id: UUID, member: Member) -> None:
        """What is known of a stay is other, or it ends and the identity provider is to be told."""
        place = (partner_id, member.position)
        (self.new_members if place in self.new_members else self.changed_members)[place] = member
        if member.removed_at:
            self.taken.pop(member.person, None)
            deactivation = Deactivation(partner_id, *member.person, member.removed_at)
            self.new_deactivations.append(deactivation)
            self.know_deactivation(deactivation)
