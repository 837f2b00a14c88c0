"""Components of Autobahn's: their sessions, their listeners and their main function."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import txaio
from autobahn.wamp.auth import IAuthenticator, create_authenticator
from autobahn.wamp.protocol import _SessionShim

from wampapp.autobahn.component_transport import url_of
from wampapp.autobahn.log import SessionLog
from wampapp.autobahn.steps import LeftBeforeJoin, ended_with, firing
from wampapp.dispatch.functions import wait_for
from wampapp.errors import UsageError
from wampapp.loop.deferreds import with_deferreds
from wampapp.transport.flavour import check_flavour

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("component")


class ComponentGuest:
    """A component. It names its router, its realm and who joins by itself.

    How it connects, and comes back, is ours; its sessions, and what listens to them, are its own.

    Args:
        component: the component.

    Raises:
        UsageError: it is for the other framework, its transport needs what ours does not have, or
            its authentication cannot be used.
    """

    def __init__(self, component: Any) -> None:
        self.name = "component"
        check_flavour(type(component), "The component")
        _check_authentication(component)
        self._component = component
        self.realm: str | None = component._realm
        self.url = url_of(component._transports)
        self.failure: Exception | None = None
        self.comes_back = True
        self.tell: Callable[[Exception], None]

    async def start(self) -> None:
        """Tell what listens to the component's start; see :class:`Guest`."""
        component = self._component
        component._done_f = txaio.create_future()  # its stop() ends this, if there is no session
        # Not by its fire(), whose failures Twisted would log once more.
        for listener in (component._listeners or {}).get("start", ()):
            started = txaio.as_future(listener, txaio.config.loop, component)
            await with_deferreds(wait_for(started))

    def make(self, realm: str) -> Any:
        """Return a session for a realm, with the component's listeners on it."""
        component = self._component
        if txaio.is_called(component._done_f):
            raise LeftBeforeJoin("The component was stopped.")
        component._realm = realm
        # Of its own way to connect, this is the step that is ours.
        component.log = _ComponentLog(logging.getLogger("wampapp.autobahn"))
        component.fire = firing(component)
        main = component._entry
        if isinstance(main, _Main):  # that of the session before
            main = main.function
        component._entry = None if main is None else _Main(main, self._main_failed)
        self.failure = None
        made: list[Any] = []
        raised: list[Exception] = []

        def connect(
            _reactor: Any, _transport: Any, create_session: Callable[[], Any], _done: Any
        ) -> None:
            try:
                made.append(create_session())
            except Exception as error:
                raised.append(error)
                raise

        component._connect_transport = connect
        done = component._connect_once(txaio.config.loop, component._transports[0])
        # Why it is done is said elsewhere.
        txaio.add_callbacks(done, None, lambda _failure: None)
        for error in raised:
            raise error
        return made[0]

    def _main_failed(self, session: Any, failure: Any) -> None:
        error = failure.value
        if session.is_attached():
            fatal = self._component._is_fatal
            self.failure = error
            self.tell(error)
            self.comes_back = fatal is None or not fatal(error)
        elif not ended_with(session, error):
            logger.error("component failed after its session had ended", exc_info=error)


class _Main:
    """A component's main function; we are told what it raises.

    Args:
        function: the function.
        on_failure: called with its session and the failure, before Autobahn ends the session.
    """

    def __init__(self, function: Any, on_failure: Callable[[Any, Any], None]) -> None:
        self.function = function
        self._on_failure = on_failure

    def __call__(self, reactor: Any, session: Any) -> Any:
        """Run it."""

        def failed(failure: Any) -> Any:
            self._on_failure(session, failure)
            return failure

        done = txaio.as_future(self.function, reactor, session)
        txaio.add_callbacks(done, None, failed)
        return done


class _ComponentLog(SessionLog):
    """What a component says of its connections is for those who look closely."""

    def info(self, format: object = None, *args: object, **kwargs: Any) -> None:  # noqa: A002
        """Log at the level debug."""
        self.debug(format, *args, **kwargs)


def _check_authentication(component: Any) -> None:
    """Check that a component's sessions can use its authentication, of which each makes its own."""
    if not component._authentication:
        return
    factory = component.session_factory
    if isinstance(factory, type) and not hasattr(factory, "add_authenticator"):
        raise UsageError(
            f"The component has authentication=…, which {factory.__name__} cannot use; derive it "
            "from Autobahn's Session, or answer in its onChallenge."
        )
    session = _SessionShim()
    try:
        for name, settings in component._authentication.items():
            session.add_authenticator(
                settings
                if isinstance(settings, IAuthenticator)
                else create_authenticator(name, **settings)
            )
    except Exception as error:  # noqa: BLE001 - whatever does not fit
        text = str(error).rstrip(".")
        raise UsageError(f"The component's authentication cannot be used: {text}.") from None
