"""The table ``[tool.wampapp]`` in ``pyproject.toml``: a project's defaults for its commands."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

FILE: Final = "pyproject.toml"

#: What the table may hold, and the type of each.
_KEYS: Final = {
    "target": "a string",
    "url": "a string",
    "realm": "a string",
    "watch": "a list of strings",
    "deploy": "a table",
}
#: What [tool.wampapp.deploy] may hold: what runs beside our own processes, by name.
_GUESTS: Final = "guests"


def defaults(folder: Path) -> dict[str, Any]:
    """Return the table ``[tool.wampapp]`` of a project: defaults for options that are not given.

    Args:
        folder: where the command runs.

    Raises:
        UsageError: the file is not TOML, or the table holds what it cannot.
    """
    import tomllib

    try:
        # Editors on Windows put a byte order mark in front, which TOML does not know.
        project = tomllib.loads((folder / FILE).read_text(encoding="utf-8-sig"))
    except OSError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{FILE} is not valid TOML: {error}.") from None
    tools = project.get("tool", {})
    table = tools.get("wampapp", {}) if isinstance(tools, dict) else {}
    if not isinstance(table, dict):
        raise UsageError(f"{FILE}: tool.wampapp is not a table; write [tool.wampapp].")
    for key, value in table.items():
        _check(key, value)
    return table


def _check(key: str, value: Any) -> None:
    kind = _KEYS.get(key)
    if kind is None:
        near = difflib.get_close_matches(key, _KEYS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(_KEYS)}."
        raise UsageError(f"{FILE}: [tool.wampapp] cannot hold {key!r}; {hint}")
    if key == "deploy":
        guests = value.get(_GUESTS, {}) if isinstance(value, dict) else None
        if (
            guests is None
            or value.keys() - {_GUESTS}
            or not isinstance(guests, dict)
            or not all(isinstance(command, str) for command in guests.values())
        ):
            raise UsageError(
                f"{FILE}: [tool.wampapp.deploy] holds the table guests, with a command for each "
                "name: prices = 'node prices.js'."
            )
        return
    texts = value if isinstance(value, list) and key == "watch" else [value]
    if (key == "watch") != isinstance(value, list) or not all(isinstance(t, str) for t in texts):
        raise UsageError(f"{FILE}: in [tool.wampapp], {key} must be {kind}.")
