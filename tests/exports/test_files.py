"""A9: a file is handed out by a link that expires, and is gone once it is thrown away."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
import time_machine

from services.exports.files import LINK_LIFETIME, key_of, link, remove, store_of
from services.exports.formats import Format
from services.wire.objects import StoreError
from tests.exports.bookshop import ROLE, Bookshop
from tests.support.web import NO_TLS


def get(url: str) -> httpx.Response:
    return httpx.get(url, trust_env=False, verify=NO_TLS)


@pytest.mark.parametrize("file_format", list(Format))
def test_whoever_has_the_link_downloads_the_file(shop: Bookshop, file_format: Format) -> None:
    shop.stock(1, 10)
    export_id = shop.made("books", file_format)

    answer = get(link(store_of(shop.settings), key_of(ROLE, export_id, file_format)))

    assert answer.status_code == 200
    assert answer.content == shop.download(export_id)[0].read_bytes()
    assert answer.headers["content-type"] == file_format.content_type
    assert answer.headers["content-disposition"] == f'attachment; filename="{ROLE}-{export_id}.{file_format}"'


@pytest.mark.parametrize(("age", "status"), [(timedelta(minutes=4), 200), (LINK_LIFETIME + timedelta(minutes=1), 403)])
def test_a_link_is_good_for_five_minutes(shop: Bookshop, age: timedelta, status: int) -> None:
    key = key_of(ROLE, shop.made("books", Format.CSV), Format.CSV)

    with time_machine.travel(datetime.now(UTC) - age, tick=False):
        url = link(store_of(shop.settings), key)

    assert get(url).status_code == status


def test_without_the_signature_nobody_gets_anything(shop: Bookshop) -> None:
    key = key_of(ROLE, shop.made("books", Format.CSV), Format.CSV)
    url = link(store_of(shop.settings), key)

    assert get(url.partition("?")[0]).status_code == 403
    assert get(url.replace(key, key.replace("a", "b"))).status_code == 403
    assert get(url[:-1] + ("0" if url[-1] != "0" else "1")).status_code == 403


def test_a_file_that_was_thrown_away_is_gone_however_often_it_is_done(shop: Bookshop) -> None:
    store, key = store_of(shop.settings), key_of(ROLE, shop.made("books", Format.CSV), Format.CSV)

    for _ in range(2):
        remove(store, key)

    assert get(link(store, key)).status_code == 404


def test_a_store_that_says_no_is_named_with_its_reason(shop: Bookshop) -> None:
    with pytest.raises(StoreError, match="GET was answered with 404 NoSuchKey"):
        store_of(shop.settings).call("GET", "/nothing")
