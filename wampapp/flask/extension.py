"""The Flask extension."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, TypeVar

from flask import appcontext_pushed
from werkzeug.exceptions import ServiceUnavailable

from wampapp.errors import SessionError, UsageError
from wampapp.flask.app import ContextApp
from wampapp.flask.commands import make_group
from wampapp.flask.inline import Inline
from wampapp.flask.peer import Peer
from wampapp.flask.traces import take_in
from wampapp.registry.blueprint import Blueprint

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

F = TypeVar("F", bound="Callable[..., Any]")

#: The key in ``app.extensions``.
_NAME: Final = "wamp"


class WAMP(Blueprint):
    """Makes a Flask app a WAMP callee, subscriber, caller and publisher.

    Its decorators are those of :class:`wampapp.App`. Put them under ``@app.route`` to serve a view
    over both HTTP and WAMP. ``g.wamp`` has the blocking verbs, in every app context. Handlers run
    in worker threads, each inside its own app context.

    What it registers is served by ``flask wamp run``, or inside the web process if the
    configuration sets ``WAMP_INLINE``. One extension may serve several Flask apps.

    Args:
        app: the Flask app; None to pass it to :meth:`init_app` later.

    Raises:
        UsageError: a ``WAMP_*`` value of the app's configuration is not valid.
    """

    def __init__(self, app: Flask | None = None) -> None:
        super().__init__()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Set up a Flask app.

        Its configuration counts as it is when a verb is first used, or the app is first served.

        Args:
            app: the app. It gets ``extensions["wamp"]``, ``g.wamp`` and ``g.wampy`` in its
                contexts, the ``flask wamp`` commands, and an answer of 503 for views that raise
                because there is no session with the router.

        Raises:
            UsageError: a ``WAMP_*`` value is not valid, or the app already has a WAMP extension.
        """
        if _NAME in app.extensions:
            raise UsageError(f"The Flask app {app.name!r} already has a WAMP extension.")
        inline: list[Inline] = []

        def make_app(peer: Peer) -> ContextApp:
            served = ContextApp(app, peer.settings, self, peer.leave)
            self.registry.freeze()
            return served

        def arm(peer: Peer) -> None:
            if peer.settings.inline and not inline:
                inline.append(Inline(app, peer))
                inline[0].arm()

        peer = Peer(app.config, make_app, arm)
        app.extensions[_NAME] = peer
        app.extensions["flask_wamp"] = self  # where flask-wamp has it

        # The signal holds the peer weakly, or it would keep the app in memory for ever.
        appcontext_pushed.connect(peer.give, app)
        take_in(app)
        if SessionError not in app.error_handler_spec[None][None]:
            app.register_error_handler(SessionError, functools.partial(_unavailable, app))
        app.cli.add_command(make_group())

    # As flask-wamp spells them.

    def callee(self, function: F) -> F:
        """Register a function under its bare name; flask-wamp's spelling of :meth:`register`."""
        self.add_registration(function, getattr(function, "__name__", None))
        return function

    def consume(self, topic: str) -> Callable[[F], F]:
        """Subscribe a function to a topic; flask-wamp's spelling of :meth:`subscribe`.

        Args:
            topic: the topic.
        """
        return self.subscribe(topic)


def _unavailable(app: Flask, error: SessionError) -> Any:
    app.logger.error("WAMP: %s", error)
    # With the site's own page for this error, or for all HTTP errors, if it has one.
    return app.handle_user_exception(ServiceUnavailable(retry_after=1))
