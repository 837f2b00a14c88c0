"""The registry: what one app declares, in order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wampapp.errors import AppStarted, DeclarationError, DuplicateUri
from wampapp.registry.records import Hook, name_of
from wampapp.registry.web_records import WebRecords

if TYPE_CHECKING:
    from wampapp.registry.records import (
        Guest,
        HealthCheck,
        HookKind,
        Publication,
        Registration,
        Subscription,
        Timer,
        Worker,
    )


class Registry:
    """The records of one app, in the order of their declaration.

    It can be listed, checked and tested with no connection.
    """

    def __init__(self) -> None:
        self._registrations: dict[str | tuple[str, str], Registration] = {}
        self._subscriptions: list[Subscription] = []
        self._publications: dict[str, Publication] = {}
        self._hooks: list[Hook] = []
        self._timers: list[Timer] = []
        self._checks: dict[str, HealthCheck] = {}
        self._guests: list[Guest] = []
        self._frozen = False
        #: What it serves over HTTP.
        self.web = WebRecords(self._check_open)
        #: The procedure that says who a web page is; None if there is none.
        self.identifier: str | None = None

    @property
    def registrations(self) -> tuple[Registration, ...]:
        """The procedures."""
        return tuple(self._registrations.values())

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """The topics; one record for each handler."""
        return tuple(self._subscriptions)

    @property
    def publications(self) -> tuple[Publication, ...]:
        """The topics that the app publishes to, so far as it says so."""
        return tuple(self._publications.values())

    @property
    def timers(self) -> tuple[Timer, ...]:
        """The timers."""
        return tuple(self._timers)

    @property
    def health_checks(self) -> tuple[HealthCheck, ...]:
        """What finds out whether the app is well."""
        return tuple(self._checks.values())

    @property
    def is_empty(self) -> bool:
        """Whether nothing is declared."""
        return not (self._guests or self.web or self.has_own)

    @property
    def has_own(self) -> bool:
        """Whether anything is declared that the app does itself, and not a guest."""
        records = (
            self._registrations,
            self._subscriptions,
            self._hooks,
            self._timers,
            self._checks,
        )
        return any(records)

    @property
    def guests(self) -> tuple[Guest, ...]:
        """What makes the sessions that the app hosts."""
        return tuple(self._guests)

    @property
    def modules(self) -> set[str]:
        """The names of the modules whose functions are declared."""
        functions = [
            *(record.endpoint for record in self.registrations),
            *(record.handler for record in self._subscriptions),
            *(hook.function for hook in self._hooks),
            *(timer.function for timer in self._timers),
            *(check.function for check in self._checks.values()),
            *(route.view for route in self.web.routes),
        ]
        return {name for f in functions if (name := getattr(f, "__module__", None)) is not None}

    def hooks(self, kind: HookKind) -> tuple[Hook, ...]:
        """Return the hooks of a kind."""
        return tuple(hook for hook in self._hooks if hook.kind == kind)

    @property
    def all_hooks(self) -> tuple[Hook, ...]:
        """The hooks of every kind."""
        return tuple(self._hooks)

    def for_worker(self, worker: Worker) -> Registry:
        """Return what one of several processes that run the app announces and runs.

        Calls are shared by all. What says ``invoke="single"``, events and timers are the first
        one's, but for those with ``every_worker``. Hooks run in each.
        """
        if worker.count == 1:
            return self
        first = worker.number == 1
        # By force, the second would take the procedure from the first.
        force = first and not worker.again
        found = Registry()
        for key, record in self._registrations.items():
            if record.invoke != "single" or first:
                found._registrations[key] = replace(
                    record,
                    invoke=record.invoke or "roundrobin",
                    force_reregister=record.force_reregister and force,
                    shared=record.invoke != "single",
                )
        found._subscriptions = [s for s in self._subscriptions if first or s.every_worker]
        found._hooks = self._hooks
        found._checks = self._checks
        found._guests = self._guests
        found.web = self.web
        found._timers = [t for t in self._timers if first or t.every_worker]
        return found

    def only_hooks(self) -> Registry:
        """Return what an app declares that serves nothing: its hooks."""
        found = Registry()
        found._hooks = self._hooks
        found._checks = self._checks
        return found

    def freeze(self) -> None:
        """Close the registry: the app starts, and what is declared later would be lost."""
        self._frozen = True

    def add_registration(self, record: Registration) -> None:
        """Add a procedure.

        Raises:
            DuplicateUri: the app already registers this URI.
            AppStarted: the app runs already.
        """
        self._check_open(record.uri, ", or use app.register_now()")
        # Two patterns that differ only in their names are the same procedure on the wire.
        key = (record.pattern.match, record.pattern.uri) if record.pattern else record.uri
        key = record.uri if key == ("exact", record.uri) else key
        earlier = self._registrations.get(key)
        if earlier is not None:
            raise DuplicateUri(
                f"The procedure {record.uri!r} is registered already, by "
                f"{name_of(earlier.endpoint)} ({earlier.source}); give one of them another URI, "
                "with @app.register('another.uri')."
            )
        self._registrations[key] = record

    def add_subscription(self, record: Subscription) -> None:
        """Add a topic.

        Raises:
            DuplicateUri: the same handler is subscribed to this topic already.
            AppStarted: the app runs already.
        """
        self._check_open(record.uri, ", or use app.subscribe_now()")
        if any(s.uri == record.uri and s.handler == record.handler for s in self._subscriptions):
            raise DuplicateUri(
                f"{name_of(record.handler)} is subscribed to {record.uri!r} already; "
                "each event would reach it twice. Remove one of the two."
            )
        self._subscriptions.append(record)

    def add_publication(self, record: Publication) -> None:
        """Add a topic that the app publishes to.

        Raises:
            DuplicateUri: it is declared already.
            AppStarted: the app runs already.
        """
        self._check_open(record.uri)
        if record.uri in self._publications:
            raise DuplicateUri(
                f"What is published to {record.uri!r} is declared already, by "
                f"{name_of(self._publications[record.uri].shape)}; remove one of the two."
            )
        self._publications[record.uri] = record

    def add_hook(self, record: Hook | Timer) -> None:
        """Add a hook or a timer.

        Raises:
            AppStarted: the app runs already.
        """
        self._check_open(name_of(record.function))
        if isinstance(record, Hook):
            self._hooks.append(record)
        else:
            self._timers.append(record)

    def add_health_check(self, record: HealthCheck) -> None:
        """Add what finds out whether the app is well.

        Raises:
            DeclarationError: there is one of that name.
            AppStarted: the app runs already.
        """
        self._check_open(name_of(record.function))
        earlier = self._checks.get(record.name)
        if earlier is not None:
            raise DeclarationError(
                f"The health check {record.name!r} is declared already, by "
                f"{name_of(earlier.function)} ({earlier.source}); give one of them another name."
            )
        self._checks[record.name] = record

    def set_identifier(self, record: Registration) -> None:
        """Have a procedure that is registered say who a web page is.

        Raises:
            DuplicateUri: another one does already.
        """
        if self.identifier is not None:
            raise DuplicateUri(
                f"{self.identifier} says already who a web page is; an app has one function for "
                "that."
            )
        self.identifier = record.uri

    def add_guest(self, guest: Guest) -> None:
        """Add what makes sessions of another framework.

        Raises:
            AppStarted: the app runs already.
        """
        self._check_open(guest.name)
        self._guests.append(guest)

    def _check_open(self, name: str, instead: str = "") -> None:
        if self._frozen:
            raise AppStarted(
                f"The app was started already, so {name!r} would never be announced; declare it at "
                f"module level, before app.run() or app.start(){instead}."
            )
