"""Payloads for tests of serializers."""

import math
from typing import Any

from hypothesis import strategies as st

from wampapp.protocol.serializer import Codec

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
# By the specification, a JSON string that starts with NUL stands for bytes.
JSON_TEXT = TEXT.filter(lambda text: not text.startswith("\0"))


def payloads(text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    scalars = (
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | text
        | st.binary(max_size=40)
    )
    return st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=4
            )
        ),
        max_leaves=15,
    )


def exactly(value: Any) -> Any:
    """Return a value with its types, so that ``1``, ``1.0`` and ``True`` differ."""
    if isinstance(value, list | tuple):  # one and the same on the wire
        return [exactly(item) for item in value]
    if isinstance(value, dict):
        return {key: exactly(item) for key, item in value.items()}
    return type(value), value, math.copysign(1, value) if value == 0 else 0


def returned(codec: Codec, *args: Any) -> list[Any]:
    """Send values through a serializer."""
    return codec.decode(codec.encode([50, 1, {}, list(args)]))[3]
