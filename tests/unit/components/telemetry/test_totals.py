"""What all processes report is added up, and what does not fit is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampapp.components.telemetry.records import About, Definition, Sample
from wampapp.components.telemetry.totals import MAX_SERIES_OF_ONE, SLOT, Live, Totals

CALLS = Definition("wampapp_call_seconds", "histogram", "", ["procedure"], [0.1, 1.0])
ERRORS = Definition("wampapp_call_errors", "counter", "", ["procedure"])
STOCK = Definition("stock", "gauge", "", ["shelf"])


@pytest.fixture
def totals() -> Totals:
    totals = Totals()
    assert totals.define([CALLS, ERRORS, STOCK]) == ([CALLS, ERRORS, STOCK], {})
    assert totals.define([CALLS]) == ([], {})
    return totals


def report(totals: Totals, now: float, *added: Sample, service: str = "shop") -> None:
    totals.add(totals.sums(Live(About("a", service)), added), now)


def test_what_is_reported_is_added_up(totals: Totals) -> None:
    report(totals, 100, Sample("wampapp_call_seconds", ["a"], [1, 2, 0, 1.5]))
    report(totals, 103, Sample("wampapp_call_seconds", ["a"], [0, 1, 1, 6]))
    report(totals, 103, Sample("wampapp_call_errors", ["a"], 1), service="other")
    assert totals.values == {
        ("wampapp_call_seconds", "shop", ("a",)): [1, 3, 1, 7.5],
        ("wampapp_call_errors", "other", ("a",)): 1,
    }
    (handled,) = totals.handled(10, 104)
    assert (handled.total, handled.errors, handled.rate) == (5, 0, 5 / 10)
    assert handled.p50 == pytest.approx(0.1 + 0.9 * 1.5 / 3)
    assert handled.p99 == 1.0  # all that is known of what took longer
    (handled,) = totals.handled(2, 104)
    assert handled.rate == 2 / 2
    (handled,) = totals.handled(10, 200)
    assert (handled.total, handled.rate, handled.p50) == (5, 0, None)


@pytest.mark.parametrize(
    "sample",
    [
        Sample("unknown", [], 1),
        Sample("stock", ["a"], 1),
        Sample("wampapp_call_errors", [], 1),
        Sample("wampapp_call_errors", ["a"], [1, 2]),
        Sample("wampapp_call_seconds", ["a"], 1),
        Sample("wampapp_call_seconds", ["a"], [1, 2]),
    ],
)
def test_what_does_not_fit_is_left_out(totals: Totals, sample: Sample) -> None:
    assert totals.sums(Live(About("a", "shop")), [sample]) == {}


def test_there_are_not_too_many(totals: Totals) -> None:
    for number in range(MAX_SERIES_OF_ONE + 3):
        report(totals, 0, Sample("wampapp_call_errors", [str(number)], 1))
    assert len(totals.values) == MAX_SERIES_OF_ONE
    assert totals.left_out == 3
    report(totals, 0, Sample("wampapp_call_errors", ["0"], 1))
    assert totals.values["wampapp_call_errors", "shop", ("0",)] == 2
    report(totals, 0, Sample("wampapp_call_errors", ["0"], 1), service="other")
    assert len(totals.values) == MAX_SERIES_OF_ONE + 1


@pytest.mark.parametrize(
    "other",
    [
        Definition("stock", "counter", "", ["shelf"]),
        Definition("stock", "gauge", "", ["room"]),
        Definition("wampapp_call_seconds", "histogram", "", ["procedure"], [0.1]),
    ],
)
def test_definitions_do_not_contradict(totals: Totals, other: Definition) -> None:
    new, refused = totals.define([other, Definition("fresh", "counter")])
    assert [one.name for one in new] == ["fresh"]
    assert list(refused) == [other.name]
    assert "give it another name" in refused[other.name]
    described = Definition("stock", "gauge", "what is there", ["shelf"])
    assert totals.define([described]) == ([described], {})


def test_what_was_refused_of_a_process_is_left_out(totals: Totals) -> None:
    live = Live(About("a", "shop"), refused={"stock"})
    totals.set_gauges(live, [Sample("stock", ["a"], 3)])
    assert live.gauges == {}
    live.refused = {"wampapp_call_errors"}
    assert totals.sums(live, [Sample("wampapp_call_errors", ["a"], 1)]) == {}


def test_gauges_are_of_one_process(totals: Totals) -> None:
    first, second = (Live(About(name, "shop")) for name in "ab")
    totals.live = {1: first, 2: second}
    totals.set_gauges(first, [Sample("stock", ["a"], 3), Sample("unknown", [], 1)])
    totals.set_gauges(second, [Sample("stock", ["a"], 4), Sample("stock", ["a", "b"], 5)])
    assert [(about.instance, value) for _, about, _, value in totals.gauges()] == [
        ("a", 3),
        ("b", 4),
    ]
    totals.set_gauges(first, [])
    assert len(list(totals.gauges())) == 1


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=30))
def test_lately_is_what_was_added_lately(reports: list[tuple[int, int]]) -> None:
    totals = Totals()
    totals.define([ERRORS])
    now = 1000.0
    told: list[tuple[float, int]] = []
    for later, count in reports:
        now += later
        told.append((now, count))
        report(totals, now, Sample("wampapp_call_errors", ["a"], count))
    series = ("wampapp_call_errors", "shop", ("a",))
    assert totals.values.get(series, 0) == sum(count for _, count in told)
    found, span = totals.lately(60, now)
    lately = found.get(series, 0)
    assert 60 <= span < 60 + SLOT
    assert isinstance(lately, float | int)
    assert lately == sum(count for t, count in told if t >= now - span)
