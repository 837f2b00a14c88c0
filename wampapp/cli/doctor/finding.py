"""What a step of ``wampapp doctor`` found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

OK: Final = "ok"

WARNING: Final = "warning"

FAILED: Final = "failed"

SKIPPED: Final = "skipped"


@dataclass
class Finding:
    """What a step found.

    Attributes:
        detail: one line for people.
        status: ``ok``, ``warning``, or ``skipped`` where nothing could be found out.
        facts: the same for programs, by name.
        more: further lines for people.
    """

    detail: str
    status: str = OK
    facts: dict[str, Any] = field(default_factory=dict)
    more: list[str] = field(default_factory=list)
