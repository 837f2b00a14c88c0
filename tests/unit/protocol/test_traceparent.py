"""The ``traceparent`` of W3C Trace Context: what is one, and what is not."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampapp.protocol.traceparent import Traceparent, made, parsed

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
VALID = f"00-{TRACE}-{PARENT}-01"

hexadecimal = st.sampled_from("0123456789abcdef")
trace_ids = st.text(hexadecimal, min_size=32, max_size=32).filter(lambda text: text.strip("0"))
parent_ids = st.text(hexadecimal, min_size=16, max_size=16).filter(lambda text: text.strip("0"))


def test_it_is_read() -> None:
    assert parsed(VALID) == Traceparent(TRACE, PARENT, 1)
    assert parsed(f"00-{TRACE}-{PARENT}-00") == Traceparent(TRACE, PARENT, 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        VALID.upper(),
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-0A",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE}-{PARENT}-01\n",
        f" {VALID}",
        f"{VALID} ",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-1",
        f"00-{TRACE}-{PARENT}-011",
        f"0-{TRACE}-{PARENT}-01",
        f"00-{TRACE[1:]}-{PARENT}-01",
        f"00-{TRACE}-{PARENT[1:]}-01",
        f"00_{TRACE}-{PARENT}-01",
        f"00-{TRACE[:-1]}g-{PARENT}-01",
        f"00-{TRACE[:-1]}٣-{PARENT}-01",  # a digit, but not of these
        f"cc-{TRACE}-{PARENT}-01.more",
        f"cc-{TRACE}-{PARENT}-01-{'x' * 1000}",
        "deadbeef",
    ],
)
def test_what_is_almost_one_is_none(text: str) -> None:
    assert parsed(text) is None


@pytest.mark.parametrize("value", [None, 7, VALID.encode(), [VALID], {"traceparent": VALID}])
def test_only_text_is_one(value: Any) -> None:
    assert parsed(value) is None


@pytest.mark.parametrize("rest", ["", "-", "-what-the-future-will-be-like", "-\n"])
def test_of_a_later_version_the_known_part_is_read(rest: str) -> None:
    assert parsed(f"cc-{TRACE}-{PARENT}-01{rest}") == Traceparent(TRACE, PARENT, 1)


@pytest.mark.parametrize(("written", "kept"), [("01", 1), ("02", 2), ("03", 3), ("fd", 1)])
def test_flags_without_a_meaning_are_not_handed_on(written: str, kept: int) -> None:
    found = parsed(f"00-{TRACE}-{PARENT}-{written}")
    assert found is not None
    assert found.child().flags == kept


@given(trace_ids, parent_ids, st.integers(0, 3))
def test_what_is_written_is_read_again(trace: str, parent: str, flags: int) -> None:
    place = Traceparent(trace, parent, flags)
    assert len(str(place)) == 55
    assert parsed(str(place)) == place


@given(st.text(st.sampled_from("0123456789abcdefABCF-\n x"), max_size=70))
def test_any_text_is_read_as_the_specification_says(text: str) -> None:
    is_one = (
        re.fullmatch(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", text[:55]) is not None
        and not text.startswith("ff")
        and text[3:35] != "0" * 32
        and text[36:52] != "0" * 16
        and (len(text) == 55 or (not text.startswith("00") and text[55] == "-"))
    )
    assert (parsed(text) is not None) == is_one


@given(
    st.sampled_from(["00", "01", "cc", "ff"]),
    trace_ids,
    parent_ids,
    st.integers(0, 54),
    st.characters(),
)
def test_one_wrong_character_is_noticed(
    version: str, trace: str, parent: str, place: int, character: str
) -> None:
    text = f"{version}-{trace}-{parent}-01"
    changed = text[:place] + character + text[place + 1 :]
    found = parsed(changed)
    if found is not None:
        assert re.fullmatch(r"[0-9a-f-]{55}", changed)
        assert (found.trace_id, found.parent_id) == (changed[3:35], changed[36:52])


def test_those_that_are_made_are_valid_and_different() -> None:
    many = [made() for _ in range(100)]
    assert (
        len({place.trace_id for place in many}) == len({place.parent_id for place in many}) == 100
    )
    assert all(parsed(str(place)) == place for place in many)


def test_a_child_is_another_operation_of_the_same_trace() -> None:
    place = Traceparent(TRACE, PARENT, 0)
    child = place.child()
    assert (child.trace_id, child.flags) == (TRACE, 0)
    assert child.parent_id not in (PARENT, place.child().parent_id)
    assert parsed(str(child)) == child
