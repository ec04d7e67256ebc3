"""A proof bundle holds or it doesn't: any changed byte breaks it, and a story that does not fit is named by a link."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from deploy.cli.app import app
from deploy.local.keys import b64
from deploy.voucher_proof import BrokenLink, Keys, prove
from services.partners.mint.token import to_jwk
from tests.deploy.bundles import Story


def test_a_true_story_is_proven() -> None:
    story = Story()

    proven = prove(story.file(), story.keys)

    assert (proven.document.amount, proven.checkpoint.size) == ("1250.00", 7)


def test_changing_any_single_byte_breaks_a_link() -> None:
    story = Story()
    file, keys = story.file(), story.keys

    for at in range(len(file)):
        other = (file[at] + 1 + at % 254) % 256
        with pytest.raises(BrokenLink):
            prove(file[:at] + bytes([other]) + file[at + 1 :], keys)


def test_cutting_or_adding_a_byte_anywhere_breaks_a_link() -> None:
    story = Story()
    file, keys = story.file(), story.keys

    for at in range(0, len(file), 17):
        for altered in (file[:at] + file[at + 1 :], file[:at] + b" " + file[at:]):
            if altered != file:
                with pytest.raises(BrokenLink):
                    prove(altered, keys)


def told(**changes: object) -> Callable[[], Story]:
    return lambda: Story(**changes)  # type: ignore[arg-type]


STORIES: dict[str, tuple[Callable[[], Story], str]] = {
    "another amount was approved": (told(events={"invoice.approved": {"amount": "1.00"}}), "invoice"),
    "another recipient was approved": (told(events={"invoice.approved": {"recipient": "0x66"}}), "invoice"),
    "somebody else approved": (told(actors={"invoice.approved": "eve"}), "invoice"),
    "one person approved and signed": (
        told(actors={"invoice.approved": "carl", "invoice.signing": "carl"}),
        "invoice",
    ),
    "another approval": (told(events={"partner.approved": {"approval_id": "a-2"}}), "approval"),
    "an approval of another dossier": (told(events={"partner.approved": {"dossier_version": 2}}), "approval"),
    "a decision that approved nothing": (told(events={"partner.approved": {"state": "SUSPENDED"}}), "approval"),
    "other documents were filed": (told(events={"partner.submitted": {"documents": []}}), "dossier manifest"),
    "another nonce": (told(voucher={"nonce": "m" * 64}), "invoice"),
    "never approved": (told(left_out={"partner.approved"}), "events"),
    "never filed": (told(left_out={"partner.submitted"}), "events"),
    "never signed": (told(left_out={"voucher.signed"}), "events"),
    "a manifest nobody reviewed": (told(voucher={"manifest_sha256": "0" * 64}), "dossier manifest"),
}


@pytest.mark.parametrize("story", STORIES)
def test_a_story_that_does_not_fit_is_named_by_its_link(story: str) -> None:
    make, link = STORIES[story]
    told_story = make()

    with pytest.raises(BrokenLink) as broken:
        prove(told_story.file(), told_story.keys)

    assert broken.value.link == link


def test_keys_of_somebody_else_prove_nothing() -> None:
    story = Story()
    file = story.file()
    other_token = Keys(ec.generate_private_key(ec.SECP256R1()).public_key(), story.log.public_key())
    other_log = Keys(story.token.public_key(), Ed25519PrivateKey.generate().public_key())

    for keys, link in ((other_token, "signature"), (other_log, "checkpoint")):
        with pytest.raises(BrokenLink) as broken:
            prove(file, keys)
        assert broken.value.link == link


def test_the_command_needs_nothing_but_the_file_and_the_keys(tmp_path: Path) -> None:
    story = Story()
    bundle, keys = tmp_path / "voucher.json", tmp_path / "keys.json"
    bundle.write_bytes(story.file())
    audit = {"kid": "audit", "x": b64(story.log.public_key().public_bytes_raw())}
    keys.write_text(json.dumps({"keys": [audit, to_jwk(story.token.public_key())]}))

    good = CliRunner().invoke(app, ["voucher", "verify", str(bundle), "--key", str(keys)])
    bundle.write_bytes(story.file()[:-1])
    bad = CliRunner().invoke(app, ["voucher", "verify", str(bundle), "--key", str(keys), "--json"])
    lost = CliRunner().invoke(app, ["voucher", "verify", str(tmp_path / "none"), "--key", str(keys)])

    assert (good.exit_code, good.stdout.splitlines()[-1]) == (0, "every link holds")
    assert (bad.exit_code, json.loads(bad.stdout)["link"]) == (1, "file")
    assert lost.exit_code == 2
