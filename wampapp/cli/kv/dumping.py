"""``wampapp kv dump`` and ``load``: a store as JSON Lines."""

from __future__ import annotations

import asyncio
import codecs
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from wampapp.cli.kv.showing import pages
from wampapp.cli.output import counted, say
from wampapp.errors import Conflict, InvalidArgument, UsageError
from wampapp.observe.logs import escaped_json
from wampapp.protocol.codec import JSON, text_to_bytes
from wampapp.protocol.serializer import too_deep

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wampapp.cli.component_client import ComponentClient

#: How many keys are set at the same time, and how many bytes of values.
_AT_ONCE: Final = 200
_BYTES: Final = 1024 * 1024
_MEMBERS: Final = {"key", "value", "ttl"}
_MAX_TTL: Final = 1e10


class _Line(NamedTuple):
    """What a line says.

    Attributes:
        key: the key.
        value: its value.
        ttl: the seconds after which it goes; None for never.
        size: how many bytes its value takes.
    """

    key: str
    value: Any
    ttl: float | None
    size: int


def dumped(store: ComponentClient, prefix: str) -> Iterator[str]:
    """Iterate over the lines of a dump, page by page.

    Args:
        store: the store.
        prefix: what the keys begin with.

    Raises:
        UsageError: JSON cannot carry a value.
    """
    for entries in pages(store, prefix):
        now = time.time()
        yield "".join(_dumped(entry, now) for entry in entries if not entry.get("held"))


def _dumped(entry: dict[str, Any], now: float) -> str:
    found: Any = {"key": entry["key"], "value": entry["value"]}
    expires = entry.get("expires")
    if expires is not None:
        found["ttl"] = round(expires - now, 3)
        if found["ttl"] <= 0:
            return ""
    try:
        line = JSON.dumps(found)
    except ValueError as error:
        raise UsageError(f"The value of {entry['key']!r} cannot be dumped: {error}.") from None
    return f"{escaped_json(line.decode())}\n"


def load(store: ComponentClient, file: str | None, *, replace: bool) -> tuple[int, int]:
    """Set the keys of a dump; nothing is set unless every line is right.

    Args:
        store: the store.
        file: the file; None for standard input.
        replace: whether keys that are there already are set too.

    Returns:
        How many keys were set, and how many were kept.

    Raises:
        UsageError: the file cannot be read, or a line is wrong.
        WampError: the store refuses; standard error says how many keys were set before.
    """
    from wampapp.components.kv import KV

    lines = _read(file)
    kv = KV(store.client, store.prefix)
    expect = None if replace else 0

    async def put(some: list[_Line]) -> list[Any]:
        setting = [kv.set(one.key, one.value, ttl=one.ttl, expect=expect) for one in some]
        return await asyncio.gather(*setting, return_exceptions=True)

    done = kept = 0
    for some in _batches(lines):
        answers = store.client.on_loop(lambda _, some=some: put(some))  # type: ignore[misc]
        failed = [one for one in answers if isinstance(one, BaseException)]
        kept += (conflicts := sum(isinstance(one, Conflict) for one in failed))
        done += len(answers) - len(failed)
        if len(failed) > conflicts:
            if done:
                say(f"{counted(done, 'key')} had been set before this failed.")
            raise next(one for one in failed if not isinstance(one, Conflict))
    return done, kept


def _batches(lines: Iterable[_Line]) -> Iterator[list[_Line]]:
    batch: list[_Line] = []
    size = 0
    for line in lines:
        if batch and (len(batch) == _AT_ONCE or size + line.size > _BYTES):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += line.size
    if batch:
        yield batch


def _read(file: str | None) -> list[_Line]:
    name = "Standard input" if file is None else repr(file)
    if file is None and sys.stdin is None:
        raise UsageError("There is no standard input to read.")
    try:
        data = sys.stdin.buffer.read() if file is None else Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.") from None
    found: list[_Line] = []
    places: dict[str, int] = {}
    for number, text in enumerate(data.removeprefix(codecs.BOM_UTF8).split(b"\n"), 1):
        if not text.strip():
            continue
        try:
            line = _parsed(text)
            if line.key in places:
                raise ValueError(f"the key {line.key!r} is on line {places[line.key]} already")  # noqa: TRY301
        except ValueError as error:
            raise UsageError(f"{name}, line {number}: {error}. No key was set.") from None
        places[line.key] = number
        found.append(line)
    return found


def _parsed(text: bytes) -> _Line:
    """Return what a line says.

    Raises:
        ValueError: it is wrong.
    """
    from wampapp.components.kv.records import MAX_VALUE, check_key

    try:
        found = msgspec.json.decode(text)
        is_deep = too_deep([found])
    except RecursionError:
        is_deep = True
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        why = str(error).removeprefix("JSON is malformed: ")
        raise ValueError(f"it is not JSON: {why}") from None
    if is_deep:
        raise ValueError("it is nested too deeply")
    if not isinstance(found, dict) or not {"key", "value"} <= found.keys() <= _MEMBERS:
        raise ValueError('it is not an object {"key": …, "value": …}, with a "ttl" if it expires')
    ttl = found.get("ttl")
    if ttl is not None and (type(ttl) not in (int, float) or not 0 < ttl <= _MAX_TTL):
        raise ValueError(f"ttl is a number of seconds above 0, up to {_MAX_TTL:,.0f}")
    try:
        key = check_key(found["key"])
    except InvalidArgument as error:
        raise ValueError(error.message) from None
    value = text_to_bytes(found["value"])
    try:
        size = len(msgspec.msgpack.encode(value))
    except OverflowError:
        raise ValueError("the value has a number of more than 64 bits") from None
    if size > MAX_VALUE:
        raise ValueError(f"the value takes {size:,} bytes; {MAX_VALUE:,} is the most")
    return _Line(key, value, ttl, size)
