"""The JSON of session cookies is Flask's, in both directions."""

import datetime as dt
import uuid
from typing import Any

from flask.json.tag import TaggedJSONSerializer
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from wampapp.web import tagged_json

THEIRS = TaggedJSONSerializer()
WHEN = st.datetimes(dt.datetime(1970, 1, 2), dt.datetime(2200, 1, 1)).map(
    lambda when: when.replace(microsecond=0, tzinfo=dt.UTC)
)
ATOMS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.uuids()
    | WHEN
    | st.text().map(Markup)
)
KEYS = st.text() | st.sampled_from([" t", " b", " di", " d", " u", " m"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_each_reads_what_the_other_writes(value: Any) -> None:
    assert tagged_json.loads(tagged_json.dumps(value)) == value
    assert tagged_json.loads(THEIRS.dumps(value)) == value
    assert THEIRS.loads(tagged_json.dumps(value)) == value


def test_types_come_back() -> None:
    value = {"t": (1, b"x", uuid.UUID(int=3)), "m": Markup("<b>")}
    found = tagged_json.loads(tagged_json.dumps(value))
    assert isinstance(found["m"], Markup)
    assert found == value
