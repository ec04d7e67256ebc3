"""Rows of every kind of column, as the source gives them."""

import base64
import json

from hypothesis import strategies as st

from services.exports.cells import Row, canonical
from services.exports.dataset import Column, Kind

COLUMNS = tuple(Column(kind.value, kind) for kind in Kind)

# what PostgreSQL can hold: no NUL, no half of a surrogate pair
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)))
formulas = st.builds(str.__add__, st.sampled_from(["=", "+", "-", "@", "\t", "\r", "\n", "'", "''", " =", '"', ","]), texts)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
