"""What the benchmark of searches takes for granted."""

from tests.benchmarks.search_judged import JUDGED, sections


def test_the_sections_that_answer_a_query_are_there() -> None:
    there = {(one["page"], one["heading"]) for one in sections()}
    judged = {(page, heading) for answers in JUDGED.values() for page, heading, _ in answers}
    assert judged <= there
