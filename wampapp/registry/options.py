"""The options of a declaration, and what is said of an option that does not exist."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wampapp.protocol.patterns import Match
    from wampapp.registry.records import Invoke, RunIn


class RegisterOptions(TypedDict, total=False):
    """The options of :meth:`Blueprint.register`.

    Attributes:
        run: ``"loop"`` runs a plain ``def`` function on the event loop: for tiny ones that never
            block. Without it, it runs in a worker thread.
        match: ``"prefix"`` or ``"wildcard"`` for a raw pattern, without captures.
        invoke: how one of several callees is chosen: ``"single"`` allows only one; else
            ``"first"``, ``"last"``, ``"roundrobin"`` or ``"random"``. The default is ``"single"``,
            and ``"roundrobin"`` under ``wampapp run --workers``.
        concurrency: how many calls run at the same time. Up to 1,000 more wait in line; further
            ones are answered with ``wampapp.error.overloaded``.
        timeout: seconds after which the handler is cancelled and the caller gets
            ``wamp.error.timeout``.
        force_reregister: whether the procedure is taken from another session that has it.
        validate: whether arguments are converted by the annotations; True by default.
        hidden: whether the procedure is left out of the docs.
        example: arguments that may be given, by the names of their parameters; or a list of such
            dictionaries. They are checked.
        errors: the errors with which it may answer: exceptions, or error URIs.
        deprecated: what to use instead, or True. ``@warnings.deprecated`` says so too.
        options: a ``RegisterOptions`` of Autobahn's; what is given beside it counts more.
    """

    run: RunIn | None
    match: Match | None
    invoke: Invoke | None
    concurrency: int | None
    timeout: float | None
    force_reregister: bool
    validate: bool
    hidden: bool
    example: dict[str, Any] | list[dict[str, Any]] | None
    errors: Sequence[type[Exception] | str]
    deprecated: bool | str | None
    options: object


class SubscribeOptions(TypedDict, total=False):
    """The options of :meth:`Blueprint.subscribe`.

    Attributes:
        run: as in :class:`RegisterOptions`.
        match: ``"prefix"`` or ``"wildcard"`` for a raw pattern, without captures.
        concurrency: how many events are handled at the same time; one, in order, by default.
        get_retained: whether the last event that the router keeps is delivered at the start.
        every_worker: whether each event reaches every worker of ``wampapp run --workers``; else
            one of them handles all.
        validate: whether arguments are converted by the annotations; True by default.
        hidden: whether the topic is left out of the docs.
        example: as in :class:`RegisterOptions`.
        deprecated: as in :class:`RegisterOptions`.
        options: a ``SubscribeOptions`` of Autobahn's; what is given beside it counts more.
    """

    run: RunIn | None
    match: Match | None
    concurrency: int | None
    get_retained: bool
    every_worker: bool
    validate: bool
    hidden: bool
    example: dict[str, Any] | list[dict[str, Any]] | None
    deprecated: bool | str | None
    options: object


def unknown_option(given: Iterable[str], known: Iterable[str]) -> str | None:
    """Return a sentence about the first option that does not exist; None if all of them do.

    Args:
        given: the names that the user wrote.
        known: the names of the options.
    """
    known = list(known)
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            if near:
                return f"There is no option {name!r}. Did you mean {near[0]!r}?"
            return f"There is no option {name!r}; the options are {', '.join(known)}."
    return None
