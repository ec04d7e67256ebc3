"""`gatehouse exports`: an outsider sees what was altered, and what was exported goes back into an empty database."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner, Result

from deploy.cli.app import app
from deploy.local.stack import Stack
from services.exports.check import problems
from services.exports.formats import Format
from services.exports.manifest import Manifest, opened, signer_of
from services.wire.note import NoteRefusedError, Signer
from tests.exports.bookshop import Bookshop
from tests.exports.conftest import database, open_shop
from tests.exports.exporting import DATASETS


def gatehouse(*arguments: object, settings: Path | None = None) -> Result:
    environment = {"GATEHOUSE_SETTINGS": str(settings) if settings else None}
    return CliRunner().invoke(app, ["exports", *map(str, arguments)], env=environment)


@pytest.fixture
def elsewhere(stack: Stack, template: str, bucket: str, password: str, tmp_path: Path) -> Iterator[Bookshop]:
    """Another shop with nothing in it."""
    (tmp_path / "elsewhere").mkdir()
    with database(stack, template) as name:
        yield open_shop(stack, name, bucket, password, tmp_path / "elsewhere")


@pytest.fixture
def key(shop: Bookshop) -> str:
    return shop.verifier.vkey()


@pytest.mark.parametrize("file_format", list(Format))
def test_a_sound_file_is_status_0(shop: Bookshop, key: str, file_format: Format) -> None:
    shop.stock(1, 40)
    file, manifest = shop.download(shop.made("books", file_format))

    result = gatehouse("verify", file, "--manifest", manifest, "--key", key)

    assert result.exit_code == 0, result.output
    assert "40 rows of bookshop books" in result.output
    assert "the file is what was signed" in result.output


@pytest.mark.parametrize("file_format", list(Format))
def test_one_flipped_bit_anywhere_is_found(shop: Bookshop, file_format: Format, tmp_path: Path) -> None:
    shop.stock(1, 12)
    file, note = shop.download(shop.made("books", file_format))
    manifest, content = opened(note.read_text(), shop.verifier), file.read_bytes()
    altered = tmp_path / "altered"

    for place in range(0, len(content), max(1, len(content) // 150)):
        altered.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert any(problem.startswith("hash") for problem in problems(altered, manifest)), place
    assert list(problems(file, manifest)) == []  # the control


def test_no_byte_of_a_manifest_can_be_altered(shop: Bookshop) -> None:
    shop.stock(1, 1)
    _, note = shop.download(shop.made("books", Format.CSV))
    content = note.read_bytes()

    for place in range(len(content)):
        altered = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        with pytest.raises(NoteRefusedError):
            opened(altered.decode("utf-8", "replace"), shop.verifier)


def signed_anew(shop: Bookshop, note: Path, **changes: object) -> Path:
    """The manifest with something else in it, signed with the service's own key."""
    said = opened(note.read_text(), shop.verifier)
    other = Manifest.model_validate(said.model_dump(by_alias=True) | changes)
    note.write_text(signer_of(shop.settings).sign(other.text()))
    return note


@pytest.mark.parametrize(
    ("changes", "wrong"), [({"rows": 39}, "rows"), ({"size": 1}, "size"), ({"sha256": "0" * 64}, "hash")]
)
def test_what_differs_is_named(shop: Bookshop, key: str, changes: dict[str, object], wrong: str) -> None:
    shop.stock(1, 40)
    file, note = shop.download(shop.made("books", Format.JSONL))

    result = gatehouse("verify", file, "--manifest", signed_anew(shop, note, **changes), "--key", key, "--json")

    assert result.exit_code == 1
    [problem] = json.loads(result.output)["wrong"]
    assert problem.startswith(f"{wrong}: ")


def test_another_key_is_named_as_a_wrong_signature(shop: Bookshop, key: str) -> None:
    shop.stock(1, 3)
    file, note = shop.download(shop.made("books", Format.CSV))
    stranger = Signer(shop.verifier.name, Ed25519PrivateKey.generate())

    result = gatehouse("verify", file, "--manifest", note, "--key", stranger.verifier.vkey())

    assert result.exit_code == 1
    assert "WRONG signature: no signature by gatehouse/exports/bookshop" in result.output


def test_a_file_cut_short_differs_in_everything_that_it_says(shop: Bookshop, key: str) -> None:
    shop.stock(1, 40)
    file, note = shop.download(shop.made("books", Format.PARQUET))
    file.write_bytes(file.read_bytes()[:-100])

    result = gatehouse("verify", file, "--manifest", note, "--key", key)

    assert result.exit_code == 1
    assert [line.split(":")[0] for line in result.output.splitlines()[1:]] == ["WRONG size", "WRONG hash", "WRONG rows"]


def test_what_can_not_be_looked_at_is_status_2(shop: Bookshop, key: str, tmp_path: Path) -> None:
    shop.stock(1, 3)
    file, note = shop.download(shop.made("books", Format.CSV))

    missing = gatehouse("verify", tmp_path / "nothing.csv", "--manifest", note, "--key", key)
    no_key = gatehouse("verify", file, "--manifest", note, "--key", "x")

    assert [missing.exit_code, no_key.exit_code] == [2, 2]


def test_the_public_key_is_printed_from_the_settings(shop: Bookshop, key: str, tmp_path: Path) -> None:
    settings = tmp_path / "bookshop.env"
    settings.write_text("".join(f"{name}={value}\n" for name, value in shop.environment.items()))

    result = gatehouse("key", "--service", "bookshop", settings=settings)

    assert (result.exit_code, result.output) == (0, f"{key}\n")


@pytest.mark.parametrize(
    "formats",
    [
        pytest.param((Format.PARQUET, Format.CSV, Format.JSONL), id="each one once", marks=pytest.mark.faults),
        *(pytest.param((name,) * 3, id=f"all as {name}", marks=pytest.mark.faults) for name in Format),
    ],
)
def test_loaded_into_an_empty_database_and_exported_again_every_file_is_the_same(
    shop: Bookshop, elsewhere: Bookshop, key: str, formats: tuple[Format, ...]
) -> None:
    chosen = dict(zip((dataset.name for dataset in DATASETS), formats, strict=True))
    shop.stock(1, 300)
    shop.sell(0, 299, sealed=300)
    shop.rows("INSERT INTO shelves SELECT gen_random_uuid(), 'shelf ' || n FROM generate_series(1, 7) AS n")
    elsewhere.rows("INSERT INTO seals VALUES (300)")
    files = {name: shop.download(shop.made(name, file_format)) for name, file_format in chosen.items()}

    for file, manifest in files.values():
        result = gatehouse("load", file, "--manifest", manifest, "--dsn", elsewhere.admin_dsn, "--key", key)
        assert result.exit_code == 0, result.output

    for name, (file, _) in files.items():
        again, _ = elsewhere.download(elsewhere.made(name, chosen[name]))
        assert again.read_bytes() == file.read_bytes(), name
    elsewhere.rows("UPDATE books SET title = 'other' WHERE pages = 299")  # the control
    changed, _ = elsewhere.download(elsewhere.made("books", chosen["books"]))
    assert changed.read_bytes() != files["books"][0].read_bytes()


def test_a_constraint_about_what_is_not_exported_stands_for_new_rows_only(shop: Bookshop, elsewhere: Bookshop) -> None:
    shop.stock(1, 20)
    file, manifest = shop.download(shop.made("books", Format.CSV))

    result = gatehouse("load", file, "--manifest", manifest, "--dsn", elsewhere.admin_dsn)

    assert "not exported: books_locked_up" in result.output
    assert elsewhere.rows("SELECT count(*) AS n FROM books WHERE in_stock AND safe_code IS NULL") == [{"n": 10}]
    unproven = "SELECT conname FROM pg_constraint WHERE NOT convalidated AND conrelid = 'books'::regclass"
    assert elsewhere.rows(unproven) == [{"conname": "books_locked_up"}]


def test_nothing_is_loaded_into_a_table_that_has_rows(shop: Bookshop, elsewhere: Bookshop) -> None:
    shop.stock(1, 20)
    elsewhere.stock(100, 100)
    file, manifest = shop.download(shop.made("books", Format.CSV))

    result = gatehouse("load", file, "--manifest", manifest, "--dsn", elsewhere.admin_dsn)

    assert result.exit_code == 2
    assert "bookshop.books is not empty" in result.output
    assert elsewhere.rows("SELECT count(*) AS n FROM books") == [{"n": 1}]


def test_what_was_altered_is_not_loaded(shop: Bookshop, elsewhere: Bookshop) -> None:
    shop.stock(1, 20)
    file, manifest = shop.download(shop.made("books", Format.CSV))
    file.write_bytes(file.read_bytes().replace(b"z 2,", b"z 3,"))

    result = gatehouse("load", file, "--manifest", manifest, "--dsn", elsewhere.admin_dsn)

    assert result.exit_code == 1
    assert "WRONG hash" in result.output
    assert elsewhere.rows("SELECT count(*) AS n FROM books") == [{"n": 0}]
