"""The methods by which an app hosts what is written for Autobahn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from wampapp.autobahn.guests import guest_of
from wampapp.config.records import DEFAULT_REALM

if TYPE_CHECKING:
    from wampapp.registry.registry import Registry


class HostsSessions:
    """Hosts sessions and components of Autobahn's; an ``App`` is one.

    Attributes:
        registry: what the app offers.
    """

    registry: Registry

    if TYPE_CHECKING:

        def __init__(self, **options: Any) -> None: ...

    @classmethod
    def from_session(cls, session: Any, config: Any = None, **options: Any) -> Self:
        """Make an app of what is written for Autobahn, and runs as it is.

        Args:
            session: a subclass of Autobahn's ``ApplicationSession``, a function that makes one of a
                ``ComponentConfig``, or a ``Component``.
            config: a ``ComponentConfig``: its realm, and the ``extra`` of each session.
            options: as for :class:`App`.

        Raises:
            InvalidHandler: a method cannot be called as Autobahn does.
            UsageError: it is something else, or is for the other framework.
        """
        guest = guest_of(session, config)
        realm = guest.realm or DEFAULT_REALM
        app = cls(**{"name": guest.name, "url": guest.url, "realm": realm, **options})
        guest.realm = None  # that of the app, which a run may override
        app.registry.add_guest(guest)
        return app

    def add_session(self, session: Any, config: Any = None) -> None:
        """Run a session of Autobahn's beside the app, with a connection of its own.

        Args:
            session: as in :meth:`from_session`.
            config: as there; without a realm, it joins the app's.

        Raises:
            InvalidHandler: a method cannot be called as Autobahn does.
            UsageError: it is something else, or is for the other framework.
            AppStarted: the app runs already.
        """
        self.registry.add_guest(guest_of(session, config))
