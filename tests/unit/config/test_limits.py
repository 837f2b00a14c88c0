"""The limits of a router, and how they are written."""

from typing import Any

import pytest

from wampapp.config.limits import DEFAULT_LIMITS, Limits, parse_limits
from wampapp.errors import UsageError


def test_settings_change_only_what_they_name() -> None:
    found = parse_limits(["unsent=32MiB", " calls = 7 ", "retained_size=3kib", "unsent_total=1GiB"])
    assert found == Limits(unsent=2**25, calls=7, retained_size=3072, unsent_total=2**30)
    assert parse_limits([]) == DEFAULT_LIMITS


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("unsent", "The limit 'unsent' is not NAME=NUMBER, such as unsent=32MiB."),
        ("unsent=-1", "The limit 'unsent=-1' is not NAME=NUMBER, such as unsent=32MiB."),
        ("unsent=1 MB", "The limit 'unsent=1 MB' is not NAME=NUMBER, such as unsent=32MiB."),
        ("speed=5", "There is no limit 'speed'; there are hello_size, message_size, "),
        ("calls=0", "The limit calls is 0; give a whole number, 1 or more."),
        ("history_events=20001", "The limit history_events is 20001; give at most 20000."),
        ("history_size=0", "The limit history_size is 0; give a whole number, 1 or more."),
        ("message_size=1GiB", "from hello_size, which is 65536, to 16777216."),
        ("message_size=1KiB", "The limit message_size is 1024; give a number of bytes from "),
    ],
)
def test_a_mistake_in_a_setting_is_one_sentence(word: str, sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_limits([word])
    assert sentence in str(refused.value)


@pytest.mark.parametrize("value", [True, 1.5, "1", None])
def test_a_limit_is_a_whole_number(value: Any) -> None:
    with pytest.raises(UsageError, match="give a whole number, 1 or more"):
        Limits(calls=value)
