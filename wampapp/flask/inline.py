"""``WAMP_INLINE``: a web process serves the app's handlers as well.

Which process does so, and when:

- Of the app's web processes on this machine, one serves: the one that gets the lock. When it
  ends, another takes over. So nothing is registered twice, and each event is handled once.
- It never begins while the app is being imported: under ``flask run`` and in gunicorn's workers
  it begins when the app is loaded, under other servers with the first request. A reloader's
  parent and gunicorn's parent process serve nothing.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Final

import click
from flask.cli import ScriptInfo

from wampapp.errors import PortInUse, WampappError
from wampapp.flask import process_lock
from wampapp.flask.app_loading import (
    FLASK,
    GUNICORN_PARENT,
    GUNICORN_WORKER,
    find_loader,
    flask_will_serve,
    is_running,
)
from wampapp.loop.runtime import get_runtime

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from flask import Flask

    from wampapp.flask.peer import Peer
    from wampapp.runner.service import Service

_POLL_SECONDS: Final = 0.02


class Inline:
    """Serves a Flask app's handlers inside its web processes.

    Args:
        flask: the Flask app.
        peer: its blocking verbs, whose :attr:`Peer.app` is served.
    """

    def __init__(self, flask: Flask, peer: Peer) -> None:
        self._flask = flask
        self._peer = peer
        self._announces = False
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._begun = False
        #: Set when a view may call: this process has found the router, or another process serves.
        self._settled = threading.Event()

    def arm(self) -> None:
        """Arrange that the service begins when this process serves the web."""
        if self._flask.testing:
            return
        self._flask.before_request(self._before_request)
        loader, frame = find_loader()
        self._announces = loader == FLASK
        if loader == GUNICORN_WORKER or (loader == FLASK and flask_will_serve()):
            _in_background(self._begin_after, frame)
        elif loader == GUNICORN_PARENT:
            _armed.add(self)

    def after_fork(self) -> None:
        """Begin in a worker that was forked after the app was loaded."""
        if not self._begun:
            self._reset()
            _in_background(self._begin)

    def _before_request(self) -> None:
        # Not in a test, which may have set that only now, nor where the app is served already.
        if self._flask.testing or (not self._begun and self._peer.app.is_running):
            return
        if not self._settled.is_set():
            _in_background(self._begin)
            self._settled.wait(self._peer.settings.timeout)

    def _begin_after(self, loading: FrameType) -> None:
        loader = loading.f_locals.get("self")
        while is_running(loading):
            time.sleep(_POLL_SECONDS)
        # An app that failed to load, as under a reloader that shows the error, is not complete.
        if not isinstance(loader, ScriptInfo) or loader._loaded_app is not None:
            self._begin()

    def _begin(self) -> None:
        with self._lock:
            if self._begun:
                return
            self._begun = True
        trouble = ""
        try:
            self._serve()
        except OSError as error:
            trouble = f"{error.filename}: {error.strerror}."
        except PortInUse:  # its message names --port, which here is the web server's
            config = self._peer.settings.config
            trouble = (
                f"Port {config.port} on {config.host} is taken by a program that is not a WAMP "
                "router; choose another port with WAMP_PORT, or stop that program."
            )
        except WampappError as error:
            trouble = str(error)
        finally:
            self._settled.set()
        if trouble:
            self._flask.logger.error("WAMP is not served by this process: %s", trouble)

    def _serve(self) -> None:
        app = self._peer.app
        config = app.settle()
        key = "\0".join(
            map(
                str,
                (
                    self._flask.root_path,
                    app.name,
                    # Embedded routers at different ports are different routers.
                    config.url or f"{config.host}:{config.port}",
                    config.realm,
                    app.prefix,
                ),
            )
        )
        if not process_lock.claim(key):
            return  # the same app, made a second time in this process
        lock = process_lock.acquire(key, self._settled.set)
        runtime = get_runtime()
        service = app.make_service(config, runtime, succeeds=True)
        app.attach(service)
        atexit.register(_stop, service, os.getpid())
        service.workers.reserve()  # for its shutdown hooks
        try:
            runtime.call(service.find_router())
            self._settled.set()
            runtime.call(service.start())
            if self._announces:
                where = service.address.websocket_url if service.address else service.url
                click.echo(f" * Serving WAMP at {where}, realm {config.realm}", err=True)
            runtime.call(service.wait())
        except CancelledError:
            return  # the process ends
        except BaseException:
            app.attach(None)
            runtime.call(service.stop())
            raise
        finally:
            os.close(lock)  # another process may take over


def _in_background(function: Callable[..., None], *args: object) -> None:
    # A daemon thread, so that it does not keep the process from ending.
    threading.Thread(target=function, args=args, daemon=True).start()


def _stop(service: Service, process: int) -> None:
    if process == os.getpid():
        service.runtime.call(service.stop())


#: What begins once gunicorn's parent process, which loaded the app, has forked its workers.
_armed: weakref.WeakSet[Inline] = weakref.WeakSet()


def _after_fork() -> None:
    for inline in list(_armed):
        inline.after_fork()


os.register_at_fork(after_in_child=_after_fork)
