"""The optional packages that a declaration needs."""

from __future__ import annotations

import importlib.util

from wampapp.errors import UsageError


def check_extra(what: str, *packages: str, extra: str = "web") -> None:
    """Check that the packages are there that something needs.

    Args:
        what: what needs them, for the message.
        packages: their import names.
        extra: the extra of wampapp's that installs them.

    Raises:
        UsageError: one is missing; the message says how to install it.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise UsageError(
                f"{what} needs {package}, which is missing; run: pip install 'wampapp[{extra}]'"
            )
