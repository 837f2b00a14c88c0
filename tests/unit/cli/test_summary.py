"""The summary of many calls: quantiles, and what is counted."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampapp.cli.verbs.summary import Summary
from wampapp.errors import ConnectionLost, NoSuchProcedure


@given(st.lists(st.floats(1e-7, 1e4), min_size=1, max_size=300))
def test_quantiles_are_right_to_three_digits(latencies: list[float]) -> None:
    summary = Summary()
    for latency in latencies:
        summary.add(None, latency)
    found = summary.latencies()
    ordered = sorted(latencies)
    assert found["min"] == pytest.approx(ordered[0] * 1000, abs=1e-6)
    assert found["max"] == pytest.approx(ordered[-1] * 1000, abs=1e-6)
    for name, quantile in (("median", 0.5), ("p95", 0.95), ("p99", 0.99)):
        rank = next(n for n in range(1, len(ordered) + 1) if n >= quantile * len(ordered))
        assert found[name] == pytest.approx(ordered[rank - 1] * 1000, rel=0.006, abs=1e-6)
    assert list(found.values()) == sorted(found.values())
    assert found["median"] <= statistics.median_high(latencies) * 1000 * 1.006


def test_only_answers_are_counted() -> None:
    summary = Summary()
    summary.add(NoSuchProcedure("no"), 0.1)
    with pytest.raises(ConnectionLost):
        summary.add(ConnectionLost("gone"), 0.1)
    assert (summary.calls, summary.failed) == (1, 1)
    assert summary.as_json(0.0)["calls_per_second"] == 0.0
    assert Summary().as_json(1.0)["latency_ms"] is None
