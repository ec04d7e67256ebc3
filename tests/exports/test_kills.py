"""A9: killed at any moment and run again, an export is the file it would have been, once, with nothing left over."""

import random
import signal
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from uuid import UUID

import pytest

from deploy.local.stack import Stack
from services.exports.formats import Format
from services.exports.points import ExportPoint
from tests.exports.bookshop import Bookshop, stock
from tests.exports.conftest import database, open_shop

PART_BYTES = 5 << 20  # S3 takes no smaller ones
PART_POINTS = (ExportPoint.PART_SENT, ExportPoint.PART_NOTED)


@pytest.fixture(scope="session")
def template_with_books(stack: Stack, template: str) -> Iterator[str]:
    """A file of three parts."""
    with database(stack, template) as name:
        stock(stack.state.dsn("postgres", database=name), 1, 1_500, cover_bytes=6_400)
        yield name


@pytest.fixture(scope="session")
def undisturbed(
    stack: Stack, template_with_books: str, bucket: str, password: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Format], str]:
    """The hash of the file that nobody disturbs."""

    @cache
    def sha256(file_format: Format) -> str:
        with database(stack, template_with_books) as name:
            shop = open_shop(stack, name, bucket, password, tmp_path_factory.mktemp("undisturbed"))
            return str(shop.row(shop.made("books", file_format, part_bytes=PART_BYTES))["sha256"])

    return sha256


@pytest.fixture
def wanted(undisturbed: Callable[[Format], str]) -> str:
    return undisturbed(Format.CSV)


@pytest.fixture
def shop(stack: Stack, template_with_books: str, bucket: str, password: str, tmp_path: Path) -> Iterator[Bookshop]:
    with database(stack, template_with_books) as name:
        yield open_shop(stack, name, bucket, password, tmp_path)


def sell_out(shop: Bookshop) -> None:
    """Nothing is as it was when the rows were taken."""
    shop.rows("UPDATE books SET title = 'changed'")
    shop.rows("DELETE FROM books WHERE pages %% 3 = 0")


def kill_at(shop: Bookshop, export_id: UUID, point: ExportPoint, part: int = 2) -> None:
    shop.crash.arm(point, str(part) if point in PART_POINTS else "")
    made = shop.make(export_id, part_bytes=PART_BYTES)
    assert made.exit_code == -signal.SIGKILL, made.output
    assert shop.crash.happened


def sha256_of_the_rest(shop: Bookshop, export_id: UUID) -> str:
    """Run it to its end."""
    made = shop.make(export_id, part_bytes=PART_BYTES)
    assert made.exit_code == 0, made.output
    assert shop.open_uploads(export_id) == []
    assert shop.leftovers(export_id) == ([], [])
    shop.download(export_id)
    return str(shop.row(export_id)["sha256"])


def test_killed_at_every_point_one_after_the_other_it_is_the_same_file(shop: Bookshop, wanted: str) -> None:
    export_id = shop.order("books", Format.CSV)

    for point in ExportPoint:
        kill_at(shop, export_id, point)
        if point is ExportPoint.AFTER_TAKE:
            sell_out(shop)

    assert sha256_of_the_rest(shop, export_id) == wanted


@pytest.mark.faults
@pytest.mark.parametrize("file_format", list(Format))
@pytest.mark.parametrize("point", list(ExportPoint))
def test_killed_at_one_point_it_is_the_same_file(
    shop: Bookshop, undisturbed: Callable[[Format], str], point: ExportPoint, file_format: Format
) -> None:
    export_id = shop.order("books", file_format)

    kill_at(shop, export_id, point)
    if point is not ExportPoint.BEFORE_TAKE:
        sell_out(shop)

    assert sha256_of_the_rest(shop, export_id) == undisturbed(file_format)


def test_what_was_taken_is_what_keeps_the_file_the_same(shop: Bookshop, wanted: str) -> None:
    """The control: with the rows taken anew, the comparison shows it."""
    export_id = shop.order("books", Format.CSV)
    kill_at(shop, export_id, ExportPoint.PART_NOTED)
    sell_out(shop)

    shop.rows("DELETE FROM export_rows")
    shop.rows("UPDATE exports SET taken_at = NULL, copied_rows = NULL WHERE id = %s", export_id)

    assert sha256_of_the_rest(shop, export_id) != wanted


@pytest.mark.faults
def test_killed_at_random_moments_it_is_the_same_file(shop: Bookshop, wanted: str) -> None:
    assert sha256_after_kills(shop, Format.CSV, kills=2, seed=20261128) == wanted


@pytest.mark.faults
@pytest.mark.parametrize("file_format", list(Format))
@pytest.mark.parametrize("seed", range(3))
def test_killed_at_many_random_moments_it_is_the_same_file(
    shop: Bookshop, undisturbed: Callable[[Format], str], file_format: Format, seed: int
) -> None:
    assert sha256_after_kills(shop, file_format, kills=12, seed=seed) == undisturbed(file_format)


def sha256_after_kills(shop: Bookshop, file_format: Format, *, kills: int, seed: int) -> str:
    moments = random.Random(seed)  # noqa: S311
    began = time.monotonic()
    shop.made("books", file_format, part_bytes=PART_BYTES)
    usual = time.monotonic() - began
    export_id = shop.order("books", file_format)
    for _ in range(kills):
        with shop.begin(export_id, part_bytes=PART_BYTES) as process:
            time.sleep(moments.uniform(0.2, 1.0) * usual)
            process.kill()
            process.communicate()
        if shop.row(export_id)["taken_at"] is not None:
            sell_out(shop)
    return sha256_of_the_rest(shop, export_id)


def test_two_processes_at_once_make_one_file(shop: Bookshop, wanted: str) -> None:
    export_id = shop.order("books", Format.CSV)

    with shop.begin(export_id, part_bytes=PART_BYTES) as one, shop.begin(export_id, part_bytes=PART_BYTES) as other:
        outputs = [process.communicate()[0] for process in (one, other)]

    assert [one.returncode, other.returncode] == [0, 0], outputs
    assert sum("export.made" in output for output in outputs) == 1
    assert sha256_of_the_rest(shop, export_id) == wanted


def test_parts_that_the_bucket_has_are_not_sent_again(shop: Bookshop, wanted: str) -> None:
    export_id = shop.order("books", Format.CSV)
    kill_at(shop, export_id, ExportPoint.PART_NOTED)
    before = shop.parts_in_bucket(export_id)

    kill_at(shop, export_id, ExportPoint.BEFORE_COMPLETE)
    after = shop.parts_in_bucket(export_id)

    assert len(after) > len(before) == 2
    assert after[:2] == before
    shop.rows("DELETE FROM export_parts")  # the control: what is not noted is sent again
    kill_at(shop, export_id, ExportPoint.BEFORE_COMPLETE)
    assert shop.parts_in_bucket(export_id)[:2] != before
    assert sha256_of_the_rest(shop, export_id) == wanted


def test_an_upload_that_the_bucket_gave_up_is_begun_again(shop: Bookshop, wanted: str) -> None:
    export_id = shop.order("books", Format.CSV)
    kill_at(shop, export_id, ExportPoint.PART_NOTED)
    shop.give_up_uploads(export_id)

    assert sha256_of_the_rest(shop, export_id) == wanted


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("UPDATE exports SET writer = 'csv/0'", id="another version wrote them"),
        pytest.param("UPDATE export_parts SET sha256 = 'x' WHERE number = 2", id="one was another"),
    ],
)
def test_parts_that_would_not_fit_together_are_sent_again(shop: Bookshop, wanted: str, change: str) -> None:
    export_id = shop.order("books", Format.CSV)
    kill_at(shop, export_id, ExportPoint.PART_NOTED)
    before = shop.row(export_id)["upload_id"]
    shop.rows(change)

    kill_at(shop, export_id, ExportPoint.BEFORE_COMPLETE)

    assert shop.row(export_id)["upload_id"] != before
    assert sha256_of_the_rest(shop, export_id) == wanted


def test_a_file_that_vanished_before_it_was_noted_is_made_again(shop: Bookshop, wanted: str) -> None:
    export_id = shop.order("books", Format.CSV)
    kill_at(shop, export_id, ExportPoint.AFTER_COMPLETE)
    shop.remove_file(export_id)

    assert sha256_of_the_rest(shop, export_id) == wanted
