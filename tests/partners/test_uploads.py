"""Who may reserve an upload, for what (S1.15, S1.28)."""

from uuid import UUID, uuid4

import pytest

from contracts.decisions import RejectPartner
from contracts.message import Actor
from contracts.partners import DocumentKind
from contracts.roles import Role
from services.chassis import Reply
from tests.partners.desk import ADA, EVE, IMPOSTOR, ROOT, Office, code, person, pointers, reservation, view

CLERK = person("clerk", Role.COMPLIANCE)


@pytest.mark.parametrize("actor", [ADA, ROOT], ids=["partner admin", "root admin"])
def test_a_new_id_is_reserved_for_who_may_apply(actor: Actor) -> None:
    assert isinstance(Office().run(reservation(DocumentKind.KYB), actor), Reply)


@pytest.mark.parametrize("actor", [CLERK, person("nobody")], ids=["another role", "no role"])
def test_nobody_else_reserves_an_id(actor: Actor) -> None:
    assert code(Office().run(reservation(DocumentKind.KYB), actor)) == "ROLE_REQUIRED"


def test_an_id_is_used_on_by_who_reserved_it_only() -> None:
    office = Office()
    _, reserved = office.upload(ADA, DocumentKind.KYB)

    assert isinstance(office.run(reservation(DocumentKind.LICENSING, reserved), ADA), Reply)
    assert code(office.run(reservation(DocumentKind.LICENSING, reserved), EVE)) == "NOT_FOUND"
    assert code(office.run(reservation(DocumentKind.LICENSING, uuid4()), ADA)) == "NOT_FOUND"


@pytest.mark.parametrize("reserved", [False, True], ids=["without an id", "with a reserved one"])
def test_a_receipt_belongs_to_a_partner(reserved: bool) -> None:  # noqa: FBT001
    office = Office()
    _, mine = office.upload(ADA, DocumentKind.KYB)

    refused = office.run(reservation(DocumentKind.RECEIPT, mine if reserved else None), ADA)

    assert (code(refused), pointers(refused)) == ("VALIDATION_FAILED", ["/kind"])


@pytest.mark.parametrize("kind", DocumentKind)
@pytest.mark.parametrize("actor", [person("bea"), ROOT], ids=["a contact without a role", "an allowlisted root admin"])
def test_a_partners_own_people_upload_anything(actor: Actor, kind: DocumentKind) -> None:
    office, partner_id = with_former_contact()

    key, under = office.upload(actor, kind, partner_id)

    assert under == partner_id
    assert key.startswith(f"partners/{partner_id}/{kind}/")


@pytest.mark.parametrize(
    ("actor", "wanted"),
    [
        pytest.param(ADA, "CONTACT_REMOVED", id="who was removed"),
        pytest.param(EVE, "NOT_FOUND", id="a stranger"),
        pytest.param(IMPOSTOR, "ROOT_ADMIN_REQUIRED", id="a root role without the allowlist"),
        pytest.param(person("root-1", Role.OPS), "NOT_FOUND", id="an allowlisted subject without the role"),
        pytest.param(person("bea").model_copy(update={"issuer": "https://x.example"}), "NOT_FOUND", id="a namesake"),
    ],
)
def test_everybody_else_is_told_as_little_as_they_know(actor: Actor, wanted: str) -> None:  # S1.15
    office, partner_id = with_former_contact()

    assert code(office.run(reservation(DocumentKind.KYB, partner_id), actor)) == wanted


def test_a_rejected_partner_still_uploads() -> None:  # K22
    office = Office()
    partner_id = office.submitted()
    view(office.decide(partner_id, RejectPartner))

    assert isinstance(office.run(reservation(DocumentKind.KYB, partner_id), ADA), Reply)


def with_former_contact() -> tuple[Office, UUID]:
    """A partner that Ada applied for and has left to Bea."""
    office = Office()
    partner_id = office.submitted(ADA, "bea")
    view(office.replace(partner_id, "bea"))
    return office, partner_id
