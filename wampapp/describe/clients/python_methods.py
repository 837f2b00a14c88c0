"""The class of a client in Python, with a method for each procedure and topic."""

from __future__ import annotations

import keyword
from typing import TYPE_CHECKING

from wampapp.describe.clients.arguments import arguments_of, came
from wampapp.describe.clients.layout import bracketed
from wampapp.describe.clients.names import Names, identifier, short_names, topic_names
from wampapp.describe.clients.python_helpers import IMPORTS
from wampapp.describe.clients.python_signature import Signature
from wampapp.describe.clients.python_style import AWAITED, BLOCKING
from wampapp.describe.clients.python_text import block, docstring, literal, sections

if TYPE_CHECKING:
    from collections.abc import Collection

    from wampapp.describe.api import Api, Operation, Procedure, Topic
    from wampapp.describe.clients.python_types import PythonTypes


class ClientWriter:
    """Writes the class of a client.

    Args:
        api: what the app offers.
        types: makes annotations.
        errors: the names of the errors' classes, by URI.
        names: the names of the module's own classes.
        blocking: whether its methods wait.
    """

    def __init__(
        self,
        api: Api,
        types: PythonTypes,
        errors: dict[str, str],
        names: Collection[str],
        *,
        blocking: bool,
    ) -> None:
        self._api = api
        self._types = types
        self._errors = errors
        self._style = BLOCKING if blocking else AWAITED
        #: What neither a method nor its arguments can be called: annotations would mean them.
        self._reserved = {*keyword.kwlist, *types.names, *names, *(n for _, n in IMPORTS), "self"}

    def write(self, name: str) -> str:
        """Return the source of the class."""
        api, style = self._api, self._style
        methods, attributes = Names(self._reserved), Names({f"_{style.peer}"})
        handles, found = [f"self._{style.peer} = {style.peer}\n"], []
        for procedure, short in zip(api.procedures, short_names(api.procedures), strict=True):
            method = methods.free(identifier(short, "call"))
            handle = None
            if procedure.match == "exact" and not procedure.captures:
                handle = f"self.{attributes.free(f'_{method}')}"
                made = self._handle(style.peer, literal(procedure.uri), procedure, 8)
                handles.append(f"{handle} = {made}\n")
            found.append(self._procedure(procedure, method, handle))
        for topic, wanted in zip(api.topics, topic_names(api.topics), strict=True):
            write = self._subscribing if topic.is_published else self._publishing
            found.append(write(topic, methods.free(identifier(wanted, "event"))))
        init = block(f"def __init__(self, {style.peer}: {style.peer_type}) -> None:", *handles)
        about = sections(
            f"What {' '.join(api.title.split())} offers.",
            {"Args": [(style.peer, style.about_peer)]},
        )
        return block(f"class {name}:", docstring(about), "\n", "\n".join([init, *found]))

    def _signature(self, operation: Operation, names: Names) -> Signature:
        named = arguments_of(operation, lambda text: names.free(identifier(text, "value")))
        return Signature(self._types, named)

    def _handle(self, peer: str, uri: str, procedure: Procedure, margin: int) -> str:
        returns = self._types.of(came(procedure))
        items = [uri] if returns in ("Any", "None") else [uri, f"returns={returns}"]
        return bracketed(f"{peer}.procedure(", items, ")", margin)

    def _procedure(self, procedure: Procedure, method: str, handle: str | None) -> str:
        style, names = self._style, Names(self._reserved)
        signature = self._signature(procedure, names)
        made = ""
        if handle is None:
            handle, uri = names.free("call"), signature.uri(procedure.uri)
            made = f"{handle} = {self._handle(f'self._{style.peer}', uri, procedure, 8)}\n"
        raises = any(one.uri in self._errors for one in procedure.errors)
        come = self._types.of(came(procedure))
        sent = list(signature.sent())
        define = style.define
        if procedure.progress is not None:
            result = f"{style.iterator}[{come}]"
            stream = bracketed(f"{handle}.stream(", sent, ")", 12)
            if not raises:
                body, define = f"return {stream}\n", "def"
            elif style is BLOCKING:
                body = f"yield from {stream}\n"
            else:
                items, item = names.free("items"), names.free("item")
                loop = block(f"async for {item} in {items}:", f"yield {item}\n")
                body = block(f"async with aclosing({stream}) as {items}:", loop)
        elif come == "None":
            result, body = "None", f"{bracketed(f'{style.wait}{handle}(', sent, ')', 12)}\n"
        else:
            result, value = come, names.free("result")
            call = bracketed(f"{value}: {come} = {style.wait}{handle}(", sent, ")", 12)
            body = f"{call}\nreturn {value}\n"
        body = made + (block("with _as_classes():", body) if raises else body)
        returned = "Returns" if procedure.progress is None else "Yields"
        about = {
            "Args": signature.about(),
            returned: [("", procedure.result_description)],
            "Raises": [
                (self._errors.get(one.uri, "WampError"), one.description or one.uri)
                for one in procedure.errors
            ],
        }
        head = bracketed(f"{define} {method}(", ["self", *signature.taken()], f") -> {result}:", 4)
        return block(head, docstring(sections(_about(procedure), about)), body)

    def _publishing(self, topic: Topic, method: str) -> str:
        style = self._style
        signature = self._signature(topic, Names(self._reserved))
        items = [signature.uri(topic.uri), *signature.sent()]
        head = bracketed(f"{style.define} {method}(", ["self", *signature.taken()], ") -> None:", 4)
        publish = bracketed(f"{style.wait}self._{style.peer}.publish(", items, ")", 8)
        about = docstring(sections(_about(topic), {"Args": signature.about()}))
        return block(head, about, f"{publish}\n")

    def _subscribing(self, topic: Topic, method: str) -> str:
        style = self._style
        # Events are bound by name, so that here the names are those on the wire.
        names = Names(keyword.kwlist)
        named = arguments_of(topic, lambda text: names.free(_as_on_wire(text)))
        signature = Signature(self._types, named)
        handler = names.free("handler")
        call = bracketed(f"{style.wait}{handler}(", list(signature.handled()), ")", 12)
        taken = list(signature.taken(event="Event"))
        received = bracketed(f"{style.define} received(", taken, ") -> None:", 8)
        items = [literal(signature.pattern(topic.uri)), "received"]
        if topic.match != "exact" and not topic.captures:
            items.append(f"match={literal(topic.match)}")
        verb = f"return {style.wait}self._{style.peer}.{style.subscribe}("
        about = {
            "Args": [(handler, "called with each event.")],
            "Event": signature.about(),
        }
        kind = f"{handler}: Callable[{signature.handler_takes()}, {style.handled}]"
        return block(
            bracketed(
                f"{style.define} {method}(", ["self", kind], f") -> {style.subscription}:", 4
            ),
            docstring(sections(_about(topic), about)),
            "\n",
            block(received, f"{call}\n"),
            "\n",
            f"{bracketed(verb, items, ')', 8)}\n",
        )


def _as_on_wire(text: str) -> str:
    return text if text.isidentifier() else identifier(text, "value")


def _about(operation: Operation) -> str:
    text = f"{operation.summary or operation.uri}\n\n{operation.description}"
    if operation.deprecated is None:
        return text
    return f"{text.strip()}\n\nDeprecated. {operation.deprecated}"
