"""The class of a client in TypeScript, with a method for each procedure and topic."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from wampapp.describe.clients.arguments import arguments_of, came, uri_parts
from wampapp.describe.clients.layout import bracketed
from wampapp.describe.clients.names import Names, camel, short_names, topic_names
from wampapp.describe.clients.typescript_text import braced, comment, tag
from wampapp.describe.clients.typescript_types import WORDS, property_name, text_literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wampapp.describe.api import Api, Operation, Procedure, Topic
    from wampapp.describe.clients.arguments import Argument
    from wampapp.describe.clients.typescript_types import TypeScriptTypes

#: Functions that a module has if it calls them.
HELPERS: Final = {
    "component": """\
/** Returns a value as it stands in a URI. */
function component(value: unknown, dots = false): string {
  const text = String(value);
  if (!text || (!dots && text.includes(".")))
    throw new RangeError(`${JSON.stringify(text)} cannot be a component of a URI.`);
  return text;
}
""",
    "placed": """\
/** Returns the arguments before the first one that is not given. */
function placed(values: unknown[]): unknown[] {
  const end = values.indexOf(undefined);
  return end < 0 ? values : values.slice(0, end);
}
""",
    "received": """\
/** Returns the arguments of an event in their order, by place or by name as they came. */
function received(values: any[], names: string[]): any[] {
  const args = values.slice(0, -2);
  return names.map((name, at) => (at < args.length ? args[at] : values.at(-2)[name]));
}
""",
    "others": """\
/** Returns the named arguments of an event that have no place of their own. */
function others(values: any[], names: string[]): any {
  const named = Object.entries(values.at(-2));
  return Object.fromEntries(named.filter(([name]) => !names.includes(name)));
}
""",
}
_RESERVED: Final = (WORDS, HELPERS, {"handler", "values", "topic"})


class ClientWriter:
    """Writes the class of a client.

    Args:
        api: what the app offers.
        types: makes types.
    """

    def __init__(self, api: Api, types: TypeScriptTypes) -> None:
        self._api = api
        self._types = types

    def write(self, name: str) -> str:
        """Return the source of the class."""
        api = self._api
        methods = Names({"constructor"})
        found = [
            self._procedure(one, methods.free(camel(short, "call")))
            for one, short in zip(api.procedures, short_names(api.procedures), strict=True)
        ]
        for topic, wanted in zip(api.topics, topic_names(api.topics), strict=True):
            write = self._subscribing if topic.is_published else self._publishing
            found.append(write(topic, methods.free(camel(wanted, "event"))))
        init = braced("constructor(wamp: Client)", "this.#wamp = wamp;\n")
        return braced(
            f"export class {name}", "readonly #wamp: Client;\n\n", "\n".join([init, *found])
        )

    def _procedure(self, procedure: Procedure, method: str) -> str:
        arguments = _arguments(procedure)
        kind = self._types.of(came(procedure))
        kind = "void" if kind == "null" else kind
        is_stream = procedure.progress is not None
        returns = f"AsyncGenerator<{kind}, void, void>" if is_stream else f"Answer<{kind}>"
        verb = "return this.#wamp.stream(" if is_stream else "return this.#wamp.call("
        items = [_uri(procedure.uri, arguments), *_sent(arguments)]
        about = [tag("returns", procedure.result_description)]
        about += [tag("throws", f"`{one.uri}` {one.description}") for one in procedure.errors]
        head = bracketed(f"{method}(", self._taken(arguments), f"): {returns}", 2, 2)
        call = f"{bracketed(verb, items, ');', 4, 2)}\n"
        return _about(procedure, arguments, about) + braced(head, call)

    def _publishing(self, topic: Topic, method: str) -> str:
        arguments = _arguments(topic)
        items = [_uri(topic.uri, arguments), *_sent(arguments)]
        head = bracketed(f"{method}(", self._taken(arguments), "): Promise<void>", 2, 2)
        publish = f"{bracketed('return this.#wamp.publish(', items, ');', 4, 2)}\n"
        return _about(topic, arguments, []) + braced(head, publish)

    def _subscribing(self, topic: Topic, method: str) -> str:
        arguments = _arguments(topic)
        match, uri = topic.on_wire
        takes = ", ".join(self._taken(arguments, is_type=True))
        options = "" if match == "exact" else f", {{ match: {text_literal(match)} }}"
        call = f"return handler({', '.join(self._handled(topic, arguments))});\n"
        body = braced(
            f"return this.#wamp.subscribe({text_literal(uri)}, (...values: any[]) =>",
            _unpacked(arguments),
            call,
            tail=f"{options});",
        )
        head = f"{method}(handler: ({takes}) => unknown): Promise<Withdraw>"
        return _about(topic, [], []) + braced(head, body)

    def _taken(self, arguments: Sequence[Argument], *, is_type: bool = False) -> list[str]:
        """Return the parameters of a function, or those in its type."""
        found = []
        for at, one in enumerate(arguments):
            kind = self._types.of(one.schema)
            later = arguments[at + 1 :]
            if one.kind == "rest":
                found.append(f"...{one.name}: {f'({kind})' if ' | ' in kind else kind}[]")
            elif one.kind == "others":
                found.append(f"{one.name}: Record<string, {kind}>{'' if is_type else ' = {}'}")
            elif one.required:
                found.append(f"{one.name}: {kind}")
            elif any(o.required or (is_type and o.kind == "others") for o in later):
                found.append(f"{one.name}: {kind} | undefined")
            else:
                found.append(f"{one.name}?: {kind}")
        return found

    def _handled(self, topic: Topic, arguments: Sequence[Argument]) -> list[str]:
        """Return what a handler of events is given."""
        components = topic.uri.split(".")
        taken = [one for one in arguments if one.kind in ("positional", "any")]
        known = [one.wire for one in arguments if one.kind in ("positional", "any", "keyword")]
        found = []
        for one in arguments:
            if one.kind == "uri":
                found.append("values.at(-1).topic")
            elif one.kind == "path":
                found.append(f'topic.slice({len(components) - 1}).join(".")')
            elif one.kind == "capture":
                place = f"topic[{components.index(f'<{one.wire}>')}]"
                found.append(
                    f"Number({place})" if self._types.of(one.schema) == "number" else place
                )
            elif one.kind == "keyword":
                found.append(f"values.at(-2)[{text_literal(one.wire)}]")
            elif one.kind == "rest":
                found.append(f"...values.slice({len(taken)}, -2)")
            elif one.kind == "others":
                found.append(f"others(values, {_list(map(text_literal, known))})")
            else:
                found.append(one.name)
        return found


def _unpacked(arguments: Sequence[Argument]) -> str:
    """Return the statements that take an event apart."""
    lines = ""
    if any(one.kind in ("capture", "path") for one in arguments):
        lines = 'const topic = values.at(-1).topic.split(".");\n'
    taken = [one for one in arguments if one.kind in ("positional", "any")]
    if taken:
        wires = _list(text_literal(one.wire) for one in taken)
        lines += f"const {_list(one.name for one in taken)} = received(values, {wires});\n"
    return lines


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(texts)}]"


def _arguments(operation: Operation) -> list[Argument]:
    names = Names(*_RESERVED)
    found = arguments_of(operation, lambda text: names.free(camel(text, "value")))
    return sorted(found, key=lambda one: one.kind == "rest")


def _uri(uri: str, arguments: Sequence[Argument]) -> str:
    """Return the source of the URI that is called or published to."""
    by_wire = {one.wire: one for one in arguments if one.kind in ("capture", "path")}
    if not by_wire:
        return next((one.name for one in arguments if one.kind == "uri"), text_literal(uri))
    parts = []
    for at, part in enumerate(uri_parts(uri)):
        if at % 2 == 0:
            # As in a string, but for what means something in a template.
            parts.append(re.sub(r"([`$])", r"\\\1", text_literal(part)[1:-1]))
        else:
            more = ", true" if by_wire[part].kind == "path" else ""
            parts.append(f"${{component({by_wire[part].name}{more})}}")
    return f"`{''.join(parts)}`"


def _sent(arguments: Sequence[Argument]) -> list[str]:
    """Return what a call or an event is given; what is undefined is not sent by name."""
    sent = [one for one in arguments if not one.is_of_uri]
    placed = [one.name for one in sent if one.is_placed]
    placed += [f"...{one.name}" for one in sent if one.kind == "rest"]
    is_open = any(one.is_placed and not one.required for one in sent)
    found = [f"...placed({_list(placed)})"] if is_open else placed
    named = [_named(o) for o in sent if not o.is_placed and o.kind in ("any", "keyword")]
    named += [f"...{one.name}" for one in sent if one.kind == "others"]
    if named:
        return [*found, f"{{ {', '.join(named)} }}"]
    # An object at the end would be taken for the named arguments.
    return [*found, "{}"] if found else []


def _named(one: Argument) -> str:
    return one.name if one.name == one.wire else f"{property_name(one.wire)}: {one.name}"


def _about(operation: Operation, arguments: Sequence[Argument], tags: Sequence[str]) -> str:
    about = [(one.name, str(one.schema.get("description", ""))) for one in arguments]
    lines = [tag("param", f"{name} {text}") for name, text in about if text]
    lines += [line for line in tags if line]
    if operation.deprecated is not None:
        lines.append(f"@deprecated {' '.join(operation.deprecated.split())}".rstrip())
    return comment(operation.summary or operation.uri, operation.description, "\n".join(lines))
