"""Rows with a column of every kind, as the source gives them."""

import base64
import json

from hypothesis import strategies as st

from services.exports.cells import canonical, parsed
from services.exports.dataset import Column, Kind

COLUMNS = tuple(Column(f"a_{kind}", kind) for kind in Kind)

# what PostgreSQL can hold: no NUL, no half of a surrogate pair
letters = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
awkward = st.text(st.sampled_from("=+-@\t\r\n'\",; \u2028\ufeff\uff1d0a"), max_size=6)
texts = st.text(letters) | awkward
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
CELLS = {
    Kind.TEXT: texts,
    Kind.INTEGER: st.integers(-(2**63), 2**63 - 1).map(str),
    Kind.DECIMAL: st.decimals(allow_nan=False, allow_infinity=False, places=4).map(lambda value: f"{value:f}"),
    Kind.BOOLEAN: st.sampled_from(["true", "false"]),
    Kind.TIMESTAMP: st.datetimes().map(lambda at: f"{at.isoformat(timespec='microseconds')}Z"),
    Kind.UUID: st.uuids().map(str),
    Kind.JSON: documents.map(lambda document: canonical(parsed(json.dumps(document)))),
    Kind.BYTES: st.binary().map(lambda raw: base64.b64encode(raw).decode()),
    Kind.TEXTS: st.lists(texts | st.none(), max_size=3).map(canonical),
}
rows = st.tuples(*(st.none() | CELLS[column.kind] for column in COLUMNS))
