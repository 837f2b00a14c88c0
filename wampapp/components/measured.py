"""A number that a component tells of itself, for telemetry."""

from __future__ import annotations

from typing import NamedTuple


class Measured(NamedTuple):
    """A number at one moment.

    Attributes:
        name: what it is called, such as ``tasks_stored``.
        about: one sentence about it.
        value: the number.
        labels: the names and values of its labels; the names are the same each time.
    """

    name: str
    about: str
    value: float
    labels: dict[str, str] = {}  # noqa: RUF012 - nobody changes it
