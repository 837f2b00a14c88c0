"""What an app hosts besides its own handlers: sessions and components of Autobahn's."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from wampapp.errors import InvalidHandler, UsageError
from wampapp.registry.autobahn_classes import autobahn_class, is_a

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.registry.records import Guest

#: What Autobahn calls on a session, and how many arguments it gives.
_CALLED: Final = {
    "onConnect": (),
    "onChallenge": ("the challenge",),
    "onWelcome": ("the welcome message",),
    "onJoin": ("the details",),
    "onLeave": ("the details",),
    "onDisconnect": (),
}
#: The same on its newer class ``Session``, whose methods have other names.
_CALLED_ANEW: Final = {
    "on_connect": (),
    "on_join": ("the details",),
    "on_leave": ("the details",),
    "on_disconnect": (),
}


class SessionGuest:
    """A class of sessions.

    Args:
        kind: a subclass of Autobahn's ``ApplicationSession``, or what makes one of a configuration.
        config: Autobahn's ``ComponentConfig``; its ``extra`` is the session's.

    Raises:
        InvalidHandler: one of its methods cannot be called as Autobahn does.
        UsageError: it is for the other framework, or the configuration is something else.
    """

    url: str | None = None
    failure: Exception | None = None
    comes_back = True
    tell: Callable[[Exception], None]

    def __init__(self, kind: Callable[[Any], Any], config: Any = None) -> None:
        from autobahn.wamp.types import ComponentConfig

        self.name = getattr(kind, "__name__", None) or type(kind).__name__
        if config is not None and not isinstance(config, ComponentConfig):
            raise UsageError(
                f"The config of {self.name} is of type {type(config).__name__}; give "
                "autobahn.wamp.types.ComponentConfig(realm=…, extra=…)."
            )
        self._kind = kind
        self._config = config or ComponentConfig()
        self.realm = self._config.realm
        if isinstance(kind, type):
            _check_class(kind)

    async def start(self) -> None:
        """Do nothing; see :class:`Guest`."""

    def make(self, realm: str) -> Any:
        """Return a session for a realm; see :class:`Guest`."""
        from autobahn.wamp.protocol import ApplicationSession
        from autobahn.wamp.types import ComponentConfig

        given = self._config
        parts = {
            name: getattr(given, name)
            for name in ("extra", "keyring", "controller", "shared", "runner")
        }
        session = self._kind(ComponentConfig(realm, **parts))
        if not isinstance(session, ApplicationSession):
            raise UsageError(
                f"{self.name} returns {type(session).__name__}, which is not a session of "
                "Autobahn's (ApplicationSession)."
            )
        return session


def guest_of(thing: Any, config: Any = None) -> Guest:
    """Return what hosts a class of sessions, or a component.

    Args:
        thing: a subclass of Autobahn's ``ApplicationSession``, what makes one, or a ``Component``.
        config: a ``ComponentConfig``, for sessions.

    Raises:
        UsageError: it is something else.
        InvalidHandler: see :class:`SessionGuest`.
    """
    if is_component(thing):
        from wampapp.autobahn.components import ComponentGuest

        if config is not None:
            raise UsageError(
                "A component has its realm and its extra itself; give Component(realm=…, extra=…)."
            )
        factory = thing.session_factory
        if isinstance(factory, type):
            if not is_session_class(factory):
                raise UsageError(
                    f"The component's session_factory is {factory.__name__}, which is not a "
                    "subclass of Autobahn's ApplicationSession; give one."
                )
            _check_class(factory)
        return ComponentGuest(thing)
    if is_session_class(thing) or (callable(thing) and not isinstance(thing, type)):
        return SessionGuest(thing, config)
    what = thing.__name__ if isinstance(thing, type) else type(thing).__name__
    raise UsageError(
        f"{what} is neither a subclass of Autobahn's ApplicationSession nor a Component; give one."
    )


def is_session_class(thing: object) -> bool:
    """Return whether something is a subclass of Autobahn's ``ApplicationSession``."""
    kind = autobahn_class("ApplicationSession")
    return kind is not None and isinstance(thing, type) and issubclass(thing, kind)


def is_component(thing: object) -> bool:
    """Return whether something is one of Autobahn's components."""
    return is_a(thing, "Component")


def _check_class(kind: type) -> None:
    from wampapp.transport.flavour import check_flavour

    check_flavour(kind, kind.__name__)
    anew = _CALLED_ANEW if hasattr(kind, "add_authenticator") else {}
    for name, arguments in {**_CALLED, **anew}.items():
        method = inspect.getattr_static(kind, name)
        if not callable(method):
            continue
        try:
            inspect.signature(method).bind(None, *arguments)
        except TypeError:
            called = f"with {' and '.join(arguments)}" if arguments else "without arguments"
            raise InvalidHandler(
                f"Autobahn calls {kind.__name__}.{name} {called}; its parameters are "
                f"{inspect.signature(method)}."
            ) from None
        except ValueError:
            continue  # some that are written in C have none
