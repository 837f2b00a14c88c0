"""What keeps the settings: one order of all changes, each checked by every service."""

from __future__ import annotations

import asyncio
import difflib
import logging
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

from wampapp.components.settings import tables
from wampapp.components.settings.records import (
    MAX_HISTORY,
    MAX_SNAPSHOT,
    PATIENCE,
    Attached,
    Changed,
    Snapshot,
    Version,
)
from wampapp.errors import Canceled, Conflict, InvalidArgument, PayloadTooLarge

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping

    from wampapp.components.store import Store

logger = logging.getLogger("wampapp.settings")


class _Link:
    """The call that a service holds.

    Attributes:
        about: the service.
    """

    def __init__(self, about: Attached) -> None:
        self.about = about
        self._told: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()

    def tell(self, what: dict[str, Any]) -> None:
        """Send the service something."""
        self._told.put_nowait(what)

    def end(self) -> None:
        """End its call."""
        self._told.put_nowait(None)

    async def next(self) -> dict[str, Any] | None:
        """Return what is to be sent next; None at the end."""
        return await self._told.get()


class _Round:
    """A question to several services."""

    def __init__(self, links: Collection[_Link]) -> None:
        self.missing = {link.about.service for link in links}
        self.answers: dict[str, list[str]] = {}
        self._done = asyncio.Event()
        if not self.missing:
            self._done.set()

    def answer(self, service: str, what: list[str]) -> None:
        """Take an answer."""
        if service in self.missing:
            self.missing.discard(service)
            self.answers[service] = what
        if not self.missing:
            self._done.set()

    def gone(self, service: str) -> None:
        """Wait no longer for a service that has gone."""
        self.missing.discard(service)
        if not self.missing:
            self._done.set()

    async def finished(self) -> None:
        """Wait until all have answered, but not for too long."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._done.wait()
        except TimeoutError:
            pass


class Keeper:
    """Keeps the live values, and changes them. It runs on the loop's thread.

    Args:
        store: where they are kept, open.
        now: returns the time, in seconds since 1970.
        publish: publishes a snapshot, for those that only listen.
    """

    def __init__(
        self, store: Store, now: Callable[[], float], publish: Callable[[Snapshot], None]
    ) -> None:
        self._store = store
        self._now = now
        self._publish = publish
        self._snapshot = Snapshot(store="", version=0, values={})
        self._last: Version | None = None
        self._links: dict[str, _Link] = {}
        self._changing = asyncio.Lock()
        self._rounds: dict[int, _Round] = {}
        self._numbers = count(1)
        self._is_stopping = False

    async def start(self) -> None:
        """Find out what there is."""
        self._snapshot = await self._store.do(tables.begin)
        newest = await self._store.read(partial(tables.history, before=None, limit=1))
        self._last = newest[0] if newest else None

    def stop(self) -> None:
        """End the calls that services hold."""
        self._is_stopping = True
        for link in self._links.values():
            link.end()

    @property
    def snapshot(self) -> Snapshot:
        """The live values."""
        return self._snapshot

    @property
    def attached(self) -> list[Attached]:
        """The services that are joined."""
        return [link.about for link in self._links.values()]

    def announce(self) -> None:
        """Publish what there is: the keeper has joined."""
        self._publish(self._snapshot)

    # Services.

    async def attach(self, about: Attached) -> AsyncIterator[dict[str, Any]]:
        """Tell a service of every change, and ask it about those that are to be made.

        The call is what says that the service is there: it ends with its session.
        """
        link = _Link(about)
        self._compare(about)
        former = self._links.get(about.service)
        if former is not None:
            former.end()
        self._links[about.service] = link
        try:
            yield _told(self._snapshot)
            while (told := await link.next()) is not None:
                yield told
            if self._is_stopping:
                raise Canceled("The keeper of the settings stops.")
        finally:
            if self._links.get(about.service) is link:
                del self._links[about.service]
                for asked in self._rounds.values():
                    asked.gone(about.service)

    def _compare(self, about: Attached) -> None:
        """Say in the log where services disagree about a setting."""
        mine = about.schema.get("properties", {})
        for link in self._links.values():
            others = link.about.schema.get("properties", {})
            for name in sorted(mine.keys() & others.keys()):
                if _type_of(mine[name]) != _type_of(others[name]):
                    logger.warning(
                        "%s and %s have different types for the setting %s; only what fits both is "
                        "accepted.",
                        about.service,
                        link.about.service,
                        name,
                    )

    def answer(self, number: int, service: str, what: list[str]) -> None:
        """Take a service's answer: what speaks against a change, or what its handlers raised."""
        asked = self._rounds.get(number)
        if asked is not None:
            asked.answer(service, what)

    async def _ask(self, links: Collection[_Link], what: dict[str, Any]) -> _Round:
        number = next(self._numbers)
        asked = self._rounds[number] = _Round(links)
        try:
            for link in links:
                link.tell({**what, "number": number})
            await asked.finished()
        finally:
            del self._rounds[number]
        return asked

    # Changes.

    async def change(
        self,
        values: Mapping[str, Any],
        reset: Collection[str],
        *,
        why: str,
        by: str,
        expect: int | None,
        strict: bool,
    ) -> Changed:
        """Change settings, all of them or none.

        Args:
            values: the new values by name.
            reset: settings that get their defaults again.
            why: the reason.
            by: who changes them.
            expect: the version that this was made for; None for any.
            strict: whether to go back if a handler of the change raises.

        Raises:
            Conflict: there is another version.
            InvalidArgument: a service refuses, or nobody has such a setting.
            PayloadTooLarge: the live values take too much.
            StorageFailed: it could not be stored.
        """
        async with self._changing:
            self._check_version(expect)
            self._check_names([*values, *reset])
            before = self._snapshot.version
            changed = await self._make(dict(values), set(reset), why=why, by=by)
            if strict and changed.failed and changed.version != before and self._last is not None:
                done = self._last.changes
                again = await self._make(
                    {name: both["before"] for name, both in done.items() if "before" in both},
                    {name for name, both in done.items() if "before" not in both},
                    why=f"version {changed.version} failed",
                    by=by,
                    asks=False,
                )
                raise InvalidArgument(
                    f"version {changed.version} was taken back, by version {again.version}: "
                    f"{' '.join(changed.failed)}",
                    parameter="values",
                )
            return changed

    async def rollback(self, version: int, *, why: str, by: str, expect: int | None) -> Changed:
        """Give all settings the values of a version, as a new version.

        Raises:
            Conflict: there is another version than the one that is expected.
            InvalidArgument: the version is not kept, or a service refuses.
        """
        async with self._changing:
            self._check_version(expect)
            values = await self.values_at(version)
            known = self._known()
            now = self._snapshot.values
            wanted = {name: value for name, value in values.items() if name in known}
            gone = {name for name in now if name not in values}
            changed = await self._make(wanted, gone, why=why or f"back to version {version}", by=by)
            dropped = sorted(name for name in values if name not in known)
            return Changed(
                version=changed.version,
                failed=changed.failed,
                silent=changed.silent,
                dropped=dropped,
            )

    async def values_at(self, version: int) -> dict[str, Any]:
        """Return the live values of a version.

        Raises:
            InvalidArgument: it is not kept.
        """
        oldest = max(0, self._snapshot.version - MAX_HISTORY)
        if not oldest <= version <= self._snapshot.version:
            raise InvalidArgument(
                f"version {version} is not kept; there are {oldest} to {self._snapshot.version}",
                parameter="version",
            )
        values = dict(self._snapshot.values)
        for later in await self._store.read(partial(tables.since, version=version)):
            for name, both in later.changes.items():
                values.pop(name, None)
                if "before" in both:
                    values[name] = both["before"]
        return values

    async def history(self, before: int | None, limit: int) -> list[Version]:
        """Return versions, the newest first."""
        return await self._store.read(partial(tables.history, before=before, limit=limit))

    def _check_version(self, expect: int | None) -> None:
        version = self._snapshot.version
        if expect is None or expect == version:
            return
        last = self._last
        who = "" if last is None else f", by {last.by}" + (f" ({last.why})" if last.why else "")
        raise Conflict(
            f"the settings have version {version} now{who}, and not {expect}",
            current={"version": version},
        )

    def _known(self) -> set[str]:
        return {name for link in self._links.values() for name in link.about.names}

    def _check_names(self, names: Collection[str]) -> None:
        if not self._links:
            raise InvalidArgument(
                "nobody who has these settings is joined, so a change cannot be checked; start a "
                "service that has them",
                parameter="values",
            )
        known = self._known()
        for name in names:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise InvalidArgument(f"there is no setting {name!r}{hint}", parameter=name)

    async def _make(
        self, values: dict[str, Any], reset: set[str], *, why: str, by: str, asks: bool = True
    ) -> Changed:
        now = self._snapshot.values
        changes: dict[str, dict[str, Any]] = {}
        for name, value in values.items():
            if name not in now:
                changes[name] = {"after": value}
            elif not _is_same(now[name], value):
                changes[name] = {"before": now[name], "after": value}
        for name in reset:
            if name in now:
                changes[name] = {"before": now[name]}
        if not changes:
            return Changed(version=self._snapshot.version)
        proposed = {name: value for name, value in now.items() if name not in reset} | values
        size = len(tables.encode(proposed))
        if size > MAX_SNAPSHOT:
            raise PayloadTooLarge(
                f"the settings would take {size:,} bytes; {MAX_SNAPSHOT:,} is the most"
            )
        silent: set[str] = set()
        if asks:
            silent = await self._check(proposed, list(changes))
        version = Version(
            version=self._snapshot.version + 1, at=self._now(), by=by, why=why, changes=changes
        )
        await self._store.do(lambda t: tables.change(t, version))
        self._last = version
        self._snapshot = Snapshot(
            store=self._snapshot.store, version=version.version, values=proposed
        )
        self._publish(self._snapshot)
        # Every service is told; those that have been silent are not waited for again.
        links = [one for one in self._links.values() if one.about.service not in silent]
        told = _told(self._snapshot)
        for link in self._links.values():
            if link.about.service in silent:
                link.tell(told)
        applied = await self._ask(links, told)
        failed = [
            f"{service}: {text}" for service, texts in applied.answers.items() for text in texts
        ]
        return Changed(
            version=version.version, failed=failed, silent=sorted(silent | applied.missing)
        )

    async def _check(self, proposed: dict[str, Any], names: list[str]) -> set[str]:
        """Have every service check a change; returns those that did not answer."""
        links = [*self._links.values()]
        asked = await self._ask(links, {"check": proposed, "names": names})
        for service, reasons in asked.answers.items():
            if reasons:
                raise InvalidArgument(f"{reasons[0]} ({service})", parameter="values")
        return asked.missing


def _told(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "store": snapshot.store,
        "version": snapshot.version,
        "values": snapshot.values,
    }


def _is_same(first: Any, second: Any) -> bool:
    """Return whether plain values are the same: 1, 1.0 and True are not."""
    return tables.encode(first) == tables.encode(second)


def _type_of(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    return schema.get("type"), schema.get("anyOf"), schema.get("enum"), schema.get("$ref")
