"""How a service follows the settings: it holds a call, answers questions, and runs handlers."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import os
import platform
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from wampapp.components.patience import Pause, is_away
from wampapp.components.settings.declaring import NOT_PINNED, variable_of
from wampapp.components.settings.records import Attached, Snapshot
from wampapp.components.store.opening import FOLDER
from wampapp.dispatch.failures import without_our_frames
from wampapp.errors import (
    ConnectionLost,
    NoSuchProcedure,
    NotJoined,
    UsageError,
    WampappError,
    WampError,
)
from wampapp.protocol.payload import to_plain

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

    from wampapp.components.settings.declaring import Declared

logger = logging.getLogger("wampapp.settings")


class Handler(NamedTuple):
    """A function that is run when settings change.

    Attributes:
        function: the function.
        names: the settings; empty for any.
    """

    function: Callable[..., Any]
    names: tuple[str, ...]


class Streaming(Protocol):
    """The procedure ``attach``."""

    def stream(self, /, *args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        """Call it, and iterate over what it gives."""


class Follower:
    """Has the settings as they are now.

    Args:
        declared: the settings.
        show: called with each new struct.

    Attributes:
        checks: functions that check a struct before it is accepted; they raise.
        handlers: functions that are run for changes.
        now: the settings.
        version: their version; 0 if nothing was ever changed.
        run: runs a function of the app.
    """

    def __init__(self, declared: Declared, show: Callable[[Any], None]) -> None:
        self.declared = declared
        self.checks: list[Callable[..., Any]] = []
        self.handlers: list[Handler] = []
        self.now, _ = declared.snapshot({})
        self.version = 0
        self.run: Callable[..., Awaitable[Any]] | None = None
        self._show = show
        self._file: Path | None = None
        self._store = ""
        self._unfit: dict[str, str] = {}
        self._is_current = asyncio.Event()
        self._work: asyncio.Queue[tuple[Any, Any, int | None]] = asyncio.Queue()
        show(self.now)

    def about(self, app: str) -> Attached:
        """Return what the keeper is told of this service."""
        fields = self.declared.fields
        return Attached(
            service=f"{app} ({platform.node()}:{os.getpid()})",
            names=list(fields),
            pinned=self.declared.pinned,
            schema=self.declared.schema,
            defaults={name: to_plain(field.default) for name, field in fields.items()},
        )

    # Following.

    async def follow(
        self,
        attach: Streaming,
        answer: Callable[..., Awaitable[Any]],
        app: str,
        nobody: Callable[[], NoSuchProcedure],
    ) -> None:
        """Hold the call, without an end.

        Args:
            attach: the procedure ``attach``.
            answer: the procedure ``answer``.
            app: the app's name.
            nobody: makes the error that nobody keeps the settings.
        """
        about = self.about(app)
        pause = Pause()
        has_complained = False
        working = asyncio.create_task(self._run_handlers(answer, about.service))
        try:
            while True:
                told = attach.stream(about)
                try:
                    async for what in told:
                        pause.reset()
                        await self._take(what, answer, about.service)
                except (WampError, ConnectionLost, NotJoined) as error:
                    if not is_away(error) and not isinstance(error, NotJoined):
                        logger.error("The settings cannot be followed: %s", error)  # noqa: TRY400
                        return
                    if isinstance(error, NoSuchProcedure) and not has_complained:
                        has_complained = True
                        since = f"version {self.version}" if self.version else "the defaults"
                        logger.warning("%s Until then, %s count.", nobody().message, since)
                        self._is_current.set()
                finally:
                    await told.aclose()
                await pause.wait()
        finally:
            working.cancel()
            await asyncio.wait([working])

    async def current(self, patience: float) -> None:
        """Wait until the settings are the keeper's, but not for too long."""
        try:
            async with asyncio.timeout(patience):
                await self._is_current.wait()
        except TimeoutError:
            logger.warning("The settings did not come within %g s; the last known count.", patience)

    async def _take(
        self, what: dict[str, Any], answer: Callable[..., Awaitable[Any]], service: str
    ) -> None:
        if "check" in what:
            reasons = await self._check(what["check"], what["names"])
            await _tell(answer, what["number"], service, reasons)
            return
        snapshot = Snapshot(store=what["store"], version=what["version"], values=what["values"])
        if snapshot.store == self._store and snapshot.version < self.version:
            logger.warning(
                "The keeper has version %d of the settings, and this service has seen version %d, "
                "which still counts; was a backup restored?",
                snapshot.version,
                self.version,
            )
        before, is_news = self.now, self.apply(snapshot)
        number = what.get("number")
        if is_news and self.handlers:
            self._work.put_nowait((before, self.now, number))
        elif number is not None:
            await _tell(answer, number, service, [])
        self._is_current.set()
        if is_news and self._file is not None:
            await asyncio.to_thread(_save, self._file, snapshot)

    def apply(self, snapshot: Snapshot) -> bool:
        """Take a snapshot; returns whether it is newer than what there is."""
        if snapshot.store == self._store and snapshot.version <= self.version:
            return False
        self._store, self.version = snapshot.store, snapshot.version
        self.now, unfit = self.declared.snapshot(snapshot.values)
        for name, why in unfit.items():
            if self._unfit.get(name) != why:
                logger.warning(
                    "The value of the setting %s does not fit here, so its default counts: %s.",
                    name,
                    why.rstrip("."),
                )
        self._unfit = unfit
        self._show(self.now)
        return True

    async def _check(self, proposed: dict[str, Any], names: list[str]) -> list[str]:
        """Return what speaks against a change, a sentence each."""
        for name in names:
            field = self.declared.fields.get(name)
            if field is None:
                continue
            if field.pinned is not NOT_PINNED:
                return [f"{name} is pinned by {variable_of(name)}"]
            if name in proposed:
                try:
                    self.declared.converted(name, proposed[name])
                except msgspec.ValidationError as error:
                    why = str(error)
                    return [f"{name}: {why[:1].lower()}{why[1:].replace('`', '')}"]
        new, _ = self.declared.snapshot(proposed)
        for check in self.checks:
            try:
                await self._call(check, new)
            except Exception as error:  # noqa: BLE001 - it is a check's way to say no
                return [str(error) or type(error).__name__]
        return []

    async def _run_handlers(self, answer: Callable[..., Awaitable[Any]], service: str) -> None:
        """Run the handlers of each change, one change after the other."""
        while True:
            before, after, number = await self._work.get()
            failed = []
            for handler in self.handlers:
                for args in _arguments(handler, before, after):
                    try:
                        await self._call(handler.function, *args)
                    except Exception as error:
                        name = getattr(handler.function, "__qualname__", repr(handler.function))
                        logger.error(  # noqa: TRY400
                            "The handler %s of a change of settings failed.",
                            name,
                            exc_info=without_our_frames(error),
                        )
                        failed.append(f"{name} raised {type(error).__name__}: {error}")
            if number is not None:
                await _tell(answer, number, service, failed)

    async def _call(self, function: Callable[..., Any], *args: Any) -> None:
        if self.run is None:
            found = function(*args)
            if inspect.isawaitable(found):
                await found
        else:
            await self.run(function, *args)

    @contextmanager
    def overridden(self, values: dict[str, Any]) -> Iterator[None]:
        """Have settings have other values for a while, here only.

        Raises:
            UsageError: there is no such setting, or a value does not fit.
        """
        converted = {}
        for name, value in values.items():
            if name not in self.declared.fields:
                raise UsageError(f"There is no setting {name!r}.")
            try:
                converted[name] = self.declared.converted(name, to_plain(value))
            except msgspec.ValidationError as error:
                raise UsageError(f"The value of {name} does not fit: {error}.") from None
        before = self.now
        self.now = msgspec.structs.replace(before, **converted)
        self._show(self.now)
        try:
            yield
        finally:
            self.now = before
            self._show(before)

    # The last that was known.

    def begin(self, run: Callable[..., Awaitable[Any]], file: Path | None) -> None:
        """Begin with the last snapshot that was saved, if there is one.

        Args:
            run: runs a function of the app.
            file: where the last snapshot is kept; None for nowhere.
        """
        self.run, self._file = run, file
        self._is_current.clear()
        if file is None:
            return
        try:
            found = msgspec.json.decode(file.read_bytes(), type=Snapshot)
        except FileNotFoundError:
            return
        except (OSError, msgspec.DecodeError, UnicodeError) as error:
            logger.warning("%s cannot be used, and is left out: %s", file, error)
            return
        self.apply(found)


def _arguments(handler: Handler, before: Any, after: Any) -> list[tuple[Any, Any]]:
    """Return what a handler is called with, for each of its settings that has changed."""
    if not handler.names:
        return [(after, before)] if after != before else []
    both = [(getattr(after, name), getattr(before, name)) for name in handler.names]
    return [(new, old) for new, old in both if new != old]


async def _tell(
    answer: Callable[..., Awaitable[Any]], number: int, service: str, what: list[str]
) -> None:
    try:
        await answer(number, service, what)
    except WampappError as error:
        logger.debug("The keeper could not be answered: %s", error)


def _save(file: Path, snapshot: Snapshot) -> None:
    """Keep a snapshot for the next start; only its owner may read it."""
    new = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as text:
            json.dump(msgspec.to_builtins(snapshot), text, indent=1)
        new.replace(file)
    except OSError as error:
        logger.warning("The settings could not be kept in %s: %s.", file, error.strerror)
        new.unlink(missing_ok=True)


def file_of(prefix: str) -> Path:
    """Return where the last snapshot is kept of the settings below a prefix."""
    return Path(FOLDER) / f"{prefix}.json"
