"""URIs with captured components: ``com.shop.<sku>.price`` and ``com.log.<path:rest>``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from wampapp.errors import InvalidUri
from wampapp.protocol import uris

Match = Literal["exact", "prefix", "wildcard"]

MATCHES: Final = ("exact", "prefix", "wildcard")

_CAPTURE: Final = re.compile(r"<(?:(path):)?([^\W\d]\w*)>")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A procedure or topic as it is declared, and what goes over the wire for it.

    Attributes:
        text: as it is declared, absolute.
        uri: as it is registered or subscribed: with ``wildcard``, captured components are empty;
            with ``prefix``, the captured rest is cut off.
        match: ``exact``, ``prefix`` or ``wildcard``.
        names: the captured components: each one's place, from 0, and its name.
        rest: the place at which the captured rest starts, and its name; None without one.
    """

    text: str
    uri: str
    match: Match
    names: tuple[tuple[int, str], ...] = ()
    rest: tuple[int, str] | None = None

    @property
    def captured(self) -> tuple[str, ...]:
        """The names that are captured."""
        names = tuple(name for _, name in self.names)
        return names if self.rest is None else (*names, self.rest[1])

    def capture(self, uri: str) -> dict[str, str]:
        """Take the captured components out of an actual URI.

        Args:
            uri: a URI that this pattern matches.

        Returns:
            The components by name; the rest keeps its dots.
        """
        if self.rest is not None:
            return {self.rest[1]: uri[len(self.uri) :]}
        components = uri.split(".")
        return {name: components[place] for place, name in self.names}


def parse(text: str, what: str, match: Match | None = None) -> Pattern:
    """Parse a declared procedure or topic.

    Args:
        text: an absolute URI, in which ``<name>`` stands for one component and ``<path:name>``,
            at the end, for one or more.
        what: ``"procedure"`` or ``"topic"``, for the error message.
        match: how a URI without captures is matched; None for exactly.

    Returns:
        The pattern.

    Raises:
        InvalidUri: the URI is not valid, a name is captured twice, or captures and ``match`` are
            mixed.
    """
    if "<" not in text and ">" not in text:
        return _raw(text, what, match or "exact")
    if match is not None:
        raise InvalidUri(
            f"The {what} {text!r} has captured components, which say how it is matched; leave "
            "match= out."
        )
    components = text.split(".")
    names: list[tuple[int, str]] = []
    rest: tuple[int, str] | None = None
    for place, component in enumerate(components):
        if "<" not in component and ">" not in component:
            continue
        found = _CAPTURE.fullmatch(component)
        if found is None:
            raise InvalidUri(
                f"The {what} {text!r} has the component {component!r}; a capture is a whole "
                "component, written <name> or <path:name>."
            )
        if any(name == found[2] for _, name in names):
            raise InvalidUri(f"The {what} {text!r} captures {found[2]!r} twice.")
        if found[1] is None:
            names.append((place, found[2]))
        elif place != len(components) - 1 or not place or names:
            raise InvalidUri(
                f"The {what} {text!r}: <path:{found[2]}> must stand at the end, after "
                "plain components only."
            )
        else:
            rest = place, found[2]
    if rest is not None:
        prefix = ".".join(components[:-1])
        uris.check(prefix, what)
        return Pattern(text, f"{prefix}.", "prefix", rest=rest)
    captured = {place for place, _ in names}
    wire = ".".join("" if i in captured else c for i, c in enumerate(components))
    return _checked(Pattern(text, wire, "wildcard", tuple(names)), what)


def _raw(text: str, what: str, match: Match) -> Pattern:
    if match not in MATCHES:
        raise InvalidUri(f"match is {match!r}; it can be 'exact', 'prefix' or 'wildcard'.")
    if match == "exact":
        return Pattern(uris.check(text, what), text, match)
    return _checked(Pattern(text, text, match), what)


def _checked(pattern: Pattern, what: str) -> Pattern:
    """Check a pattern with its empty components filled in."""
    filled = pattern.uri
    if pattern.match == "prefix":
        filled = filled.removesuffix(".")
    else:
        components = filled.split(".")
        if not any(components):
            raise InvalidUri(
                f"The {what} {pattern.text!r} has no plain component; it would match everything."
            )
        filled = ".".join(component or "x" for component in components)
    uris.check(filled, what)
    return pattern


def is_match(match: str, pattern: str) -> bool:
    """Return whether a pattern from the wire is valid for its kind of match.

    A prefix may end anywhere in a component, and may be empty; a wildcard pattern may have empty
    components.
    """
    if match == "prefix" and not pattern:
        return True
    if match == "wildcard":
        components = pattern.split(".")
        return any(components) and uris.is_valid(".".join(part or "x" for part in components))
    return uris.is_valid(pattern.removesuffix(".") if match == "prefix" else pattern)
