"""Who may apply, with what (S1.3-S1.12)."""

from datetime import timedelta

import pytest

from contracts.partner_events import PartnerSubmitted
from contracts.partners import DocumentKind, PartnerState, PartnerView
from services.chassis import Refusal, Reply
from services.partners.dossiers.evidence import AWAY, MISSING, Found
from tests.partners.desk import ADA, EVE, ISSUER, SHA, Office, code, contact


def test_an_application_is_answered_with_the_partner_and_its_event_and_a_page() -> None:  # S1.3
    office = Office()

    reply = office.run(office.application(), ADA)

    assert isinstance(reply, Reply)
    assert isinstance(reply.body, PartnerView)
    assert (reply.status, reply.etag) == (201, '"1"')
    assert reply.location == f"/api/v1/partners/{reply.body.id}"
    assert reply.body.state is PartnerState.PENDING_REVIEW
    assert [fact.data.type for fact in reply.facts] == ["partner.submitted", "page.raised"]


def test_the_event_says_who_may_act_but_not_how_to_reach_them() -> None:
    office = Office()

    reply = office.run(office.application(), ADA)

    assert isinstance(reply, Reply)
    submitted = reply.facts[0].data
    assert isinstance(submitted, PartnerSubmitted)
    told = submitted.model_dump_json()
    assert "auth0|ada" in told
    assert "+442079460958" not in told
    assert "ada@acme.example" not in told


def test_phones_are_kept_in_e164() -> None:  # S1.8
    office = Office()

    reply = office.run(office.application(contacts=(contact(ADA.subject, "+44 20 7946 0958"),)), ADA)

    assert isinstance(reply, Reply)
    assert isinstance(reply.body, PartnerView)
    assert reply.body.contacts[0].phone == "+442079460958"


def test_a_bad_phone_is_named_by_its_pointer() -> None:  # S1.8
    office = Office()
    roster = (contact(ADA.subject), contact("b"), contact("c", "12"))

    refused = office.run(office.application(contacts=roster), ADA)

    assert isinstance(refused, Refusal)
    assert code(refused) == "VALIDATION_FAILED"
    assert [error.pointer for error in refused.extra["errors"]] == ["/contacts/2/phone"]


def test_the_submitter_must_be_in_the_roster() -> None:  # S1.10
    office = Office()

    refused = office.run(office.application(contacts=(contact("somebody"),)), ADA)

    assert code(refused) == "SUBMITTER_NOT_IN_ROSTER"
    assert not office.book.new_partners


def test_a_contact_of_another_issuer_is_another_person() -> None:  # S1.9
    office = Office()
    roster = (contact(ADA.subject), contact(ADA.subject, issuer="https://other.example"))

    reply = office.run(office.application(contacts=roster), ADA)

    assert isinstance(reply, Reply)


@pytest.mark.parametrize("subject", ["auth0|abc", "AUTH0|ABC", "é" * 255, " padded "])
def test_a_subject_is_compared_byte_for_byte(subject: str) -> None:  # S1.9
    office = Office()
    roster = (contact(ADA.subject), contact(subject), contact(subject.swapcase() + "x"[: 255 - len(subject)]))

    reply = office.run(office.application(contacts=roster), ADA)

    assert isinstance(reply, Reply)
    assert isinstance(reply.body, PartnerView)
    assert reply.body.contacts[1].subject == subject


def test_a_subject_stands_once_in_a_roster() -> None:  # S1.11
    office = Office()

    refused = office.run(office.application(contacts=(contact(ADA.subject), contact(ADA.subject))), ADA)

    assert isinstance(refused, Refusal)
    assert code(refused) == "DUPLICATE_SUBJECT"
    assert refused.extra["errors"][0].pointer == "/contacts/1/subject"


def test_a_subject_of_another_partner_is_refused_without_naming_it() -> None:  # S1.12
    office = Office()
    first = office.submitted(EVE)

    refused = office.run(office.application(contacts=(contact(ADA.subject), contact(EVE.subject))), ADA)

    assert code(refused) == "SUBJECT_ALREADY_REGISTERED"
    assert str(first) not in repr(refused)


def test_a_key_nobody_issued_is_refused() -> None:  # S1.6
    office = Office()
    hand_made = "partners/01a201a1-9d4b-7755-91c5-f8b4a665c4d1/kyb/20261122T050138507770Z"

    assert code(office.run(office.application(kyb_object_key=hand_made), ADA)) == "DOSSIER_KEY_FORMAT"
    assert code(office.run(office.application(kyb_object_key="../../etc/passwd"), ADA)) == "DOSSIER_KEY_FORMAT"


def test_a_licence_is_no_kyb_document() -> None:
    office = Office()
    good = office.application()

    swapped = good.model_copy(update={"kyb_object_key": good.licensing_object_key})

    assert code(office.run(swapped, ADA)) == "DOSSIER_KEY_FORMAT"


def test_another_partners_prefix_is_forbidden() -> None:  # S1.7
    office = Office()
    theirs, _ = office.upload(EVE, DocumentKind.KYB)

    assert code(office.run(office.application(kyb_object_key=theirs), ADA)) == "DOSSIER_KEY_FORBIDDEN"


def test_both_documents_lie_under_one_partners_prefix() -> None:
    office = Office()
    elsewhere, _ = office.upload(ADA, DocumentKind.LICENSING)

    assert code(office.run(office.application(licensing_object_key=elsewhere), ADA)) == "DOSSIER_KEY_FORBIDDEN"


def test_nobody_uploads_under_an_id_that_somebody_else_reserved() -> None:
    office = Office()
    _, reserved = office.upload(ADA, DocumentKind.KYB)

    with pytest.raises(AssertionError):
        office.upload(EVE, DocumentKind.LICENSING, reserved)


@pytest.mark.parametrize(
    ("finding", "wanted"),
    [
        pytest.param(MISSING, "DOSSIER_OBJECT_NOT_FOUND", id="never uploaded"),
        pytest.param(Found(8, SHA, "v1", Office().now), "DOSSIER_OBJECT_NOT_FOUND", id="shorter than announced"),
        pytest.param(Found(9, "cd" * 32, "v1", Office().now), "DOSSIER_OBJECT_NOT_FOUND", id="other bytes"),
        pytest.param(AWAY, "DEPENDENCY_UNAVAILABLE", id="the store is away"),
    ],
)
def test_evidence_is_what_the_store_says(finding: Found, wanted: str) -> None:  # S1.6
    office = Office()
    application = office.application()
    office.book.evidence = {**office.book.evidence, application.licensing_object_key: finding}

    assert code(office.run(application, ADA)) == wanted
    assert not office.book.new_partners


def test_a_partner_applies_once() -> None:
    office = Office()
    application = office.application()
    office.run(application, ADA)

    assert code(office.run(application, ADA)) == "PARTNER_STATE_INVALID"


def test_two_uploads_of_one_kind_in_one_moment_get_two_keys() -> None:
    office = Office()
    first, partner_id = office.upload(ADA, DocumentKind.KYB)
    office.now -= timedelta(seconds=1)

    second, _ = office.upload(ADA, DocumentKind.KYB, partner_id)

    assert first != second
    assert ISSUER not in first
