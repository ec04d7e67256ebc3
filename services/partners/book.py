"""What one batch sees and changes: loaded and locked before the handlers run, written after them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from services.partners.evidence import Finding
from services.partners.partner import Approval, Partner, Person, person_of
from services.partners.upload import Upload
from services.wire.allowlist import Allowlist


@dataclass(slots=True)
class Book:
    """Handlers read and change this in memory; one handler sees what an earlier one of its batch did."""

    root_admins: Allowlist
    presign: Callable[[Upload], tuple[str, dict[str, str]]]
    evidence: Mapping[str, Finding] = field(default_factory=dict)
    partners: dict[UUID, Partner] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    taken: dict[Person, UUID] = field(default_factory=dict)
    new_partners: list[Partner] = field(default_factory=list)
    new_uploads: list[Upload] = field(default_factory=list)
    decided: dict[UUID, Partner] = field(default_factory=dict)
    approvals: list[Approval] = field(default_factory=list)
    _owners: dict[UUID, Person] = field(default_factory=dict)

    def add_partner(self, partner: Partner) -> None:
        self.partners[partner.id] = partner
        self.new_partners.append(partner)
        self.taken.update({person_of(contact): partner.id for contact in partner.contacts})

    def add_upload(self, upload: Upload) -> None:
        self.know_upload(upload)
        self.new_uploads.append(upload)

    def know_upload(self, upload: Upload) -> None:
        """Uploads must come oldest first."""
        self.uploads[upload.object_key] = upload
        self._owners.setdefault(upload.partner_id, (upload.issuer, upload.subject))

    def add_decision(self, partner: Partner, approval: Approval) -> None:
        self.decided[partner.id] = partner
        self.approvals.append(approval)

    def reserved_by(self, partner_id: UUID) -> Person | None:
        """Who reserved this partner's id: the subject of its first upload."""
        return self._owners.get(partner_id)
