"""The arguments of a generated function in Python: how they are taken, and how they are sent."""

from __future__ import annotations

import keyword
from typing import TYPE_CHECKING

from wampapp.describe.clients.arguments import uri_parts
from wampapp.describe.clients.python_text import escaped, literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wampapp.describe.clients.arguments import Argument
    from wampapp.describe.clients.python_types import PythonTypes

_UNSET = "msgspec.UNSET"


class Signature:
    """The arguments of a function.

    Args:
        types: makes annotations.
        arguments: the arguments, in their order.
    """

    def __init__(self, types: PythonTypes, arguments: list[Argument]) -> None:
        self._types = types
        self._arguments = arguments
        self._defaults = {one.name: self._default(at) for at, one in enumerate(arguments)}

    def _default(self, at: int) -> str | None:
        """Return an argument's default; None where it must be given."""
        one = self._arguments[at]
        later = self._arguments[at + 1 :]
        is_before_required = any(o.required and o.kind in ("positional", "any") for o in later)
        if one.required or (is_before_required and one.kind != "keyword"):
            return None
        default = self._types.default(one.schema)
        # One that could be changed would be shared by all calls.
        return _UNSET if default in (None, "[]", "{}") else default

    def _is_open(self, one: Argument) -> bool:
        """Return whether an argument may be left out, with a default that only the app knows."""
        return self._defaults[one.name] == _UNSET and one.kind not in ("rest", "others")

    def _annotation(self, one: Argument) -> str:
        text = self._types.of(one.schema)
        return f"{text} | msgspec.UnsetType" if self._is_open(one) else text

    def taken(self, event: str = "str") -> Iterator[str]:
        """Yield the parameters of the function.

        Args:
            event: the type of the one that stands for all of the URI.
        """
        kinds = [one.kind for one in self._arguments]
        last = max((at for at, kind in enumerate(kinds) if kind == "positional"), default=None)
        for at, one in enumerate(self._arguments):
            if one.kind == "keyword" and not {"keyword", "rest"} & set(kinds[:at]):
                yield "*"
            stars = {"rest": "*", "others": "**"}.get(one.kind, "")
            default = None if stars else self._defaults[one.name]
            kind = event if one.kind == "uri" else self._annotation(one)
            yield f"{stars}{one.name}: {kind}{'' if default is None else f' = {default}'}"
            if at == last:
                yield "/"

    def sent(self) -> Iterator[str]:
        """Yield what a call or an event is given."""
        sent = [one for one in self._arguments if not one.is_of_uri]
        placed = [one for one in sent if one.is_placed]
        if any(map(self._is_open, placed)):
            yield f"*_placed({', '.join(one.name for one in placed)})"
        else:
            yield from (one.name for one in placed)
        yield from (f"*{one.name}" for one in sent if one.kind == "rest")
        named = [one for one in sent if not one.is_placed and one.kind in ("any", "keyword")]
        for one in named:
            if not self._is_open(one) and _is_keyword(one.wire):
                yield f"{one.wire}={one.name}"
        odd = [one for one in named if self._is_open(one) or not _is_keyword(one.wire)]
        if odd:
            yield f"**_given({{{', '.join(f'{literal(o.wire)}: {o.name}' for o in odd)}}})"
        yield from (f"**{one.name}" for one in sent if one.kind == "others")

    def handled(self) -> Iterator[str]:
        """Yield what a handler of events is given: all of it by place."""
        for one in self._arguments:
            stars = {"rest": "*", "others": "**"}.get(one.kind, "")
            yield f"{one.name}.topic" if one.kind == "uri" else f"{stars}{one.name}"

    def handler_takes(self) -> str:
        """Return the parameters of such a handler, as ``Callable`` has them."""
        if any(one.kind in ("rest", "others") for one in self._arguments):
            return "..."
        return f"[{', '.join(map(self._annotation, self._arguments))}]"

    def uri(self, text: str) -> str:
        """Return the source of the URI that is called or published to.

        Args:
            text: the URI as it is declared.
        """
        by_wire = {one.wire: one for one in self._arguments if one.is_of_uri}
        if not by_wire:
            return literal(text)
        if "uri" in by_wire and by_wire["uri"].kind == "uri":
            return by_wire["uri"].name
        parts = []
        for at, part in enumerate(uri_parts(text)):
            if at % 2 == 0:
                parts.append(escaped(part).replace("{", "{{").replace("}", "}}"))
            else:
                dots = ", dots=True" if by_wire[part].kind == "path" else ""
                parts.append(f"{{_component({by_wire[part].name}{dots})}}")
        return f'f"{"".join(parts)}"'

    def pattern(self, text: str) -> str:
        """Return the URI that is subscribed to, which captures the arguments by their names here.

        Args:
            text: the URI as it is declared.
        """
        for one in self._arguments:
            if one.kind in ("capture", "path"):
                text = text.replace(f"{one.wire}>", f"{one.name}>")
        return text

    def about(self) -> list[tuple[str, str]]:
        """Return what each argument means."""
        return [(one.name, str(one.schema.get("description", ""))) for one in self._arguments]


def _is_keyword(wire: str) -> bool:
    return wire.isidentifier() and not keyword.iskeyword(wire)
