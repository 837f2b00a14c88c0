"""``WAMP_INLINE``: a web process that serves the app's handlers as well.

Which process that is, and when:

- One of the app's web processes on this machine serves, whichever gets the lock; when it ends,
  another does. So nothing is registered twice, and each event is handled once.
- It never begins while the app is being imported: under ``flask run`` and in gunicorn's workers,
  when the app is loaded; under other servers, with the first request. A reloader's parent and
  gunicorn's parent process serve nothing.
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import os
import sys
import tempfile
import threading
import time
import weakref
from concurrent.futures import CancelledError
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from flask.cli import ScriptInfo, run_command
from flask.helpers import get_debug_flag
from werkzeug.serving import is_running_from_reloader

from wampapp.errors import PortInUse, WampappError
from wampapp.loop.runtime import get_runtime

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from flask import Flask

    from wampapp.flask.peer import Peer
    from wampapp.runner.service import Service

#: The functions that load an app: by module and name, and whether their process will serve.
_FLASK: Final = ("flask.cli", "load_app")
_GUNICORN_WORKER: Final = ("gunicorn.workers.base", "load_wsgi")
_GUNICORN_PARENT: Final = ("gunicorn.arbiter", "setup")

_LOOK_SECONDS: Final = 0.02
#: How often a process looks whether the one that serves has ended.
_TURN_SECONDS: Final = 0.25


class Inline:
    """Serves a Flask app's handlers inside its web processes.

    Args:
        flask: the Flask app.
        peer: its caller, whose :attr:`Peer.app` is served.
    """

    def __init__(self, flask: Flask, peer: Peer) -> None:
        self._flask = flask
        self._peer = peer
        self._tell = False
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._begun = False
        #: Set when a view may call: this process has found the router, or another one serves.
        self._settled = threading.Event()

    def arm(self) -> None:
        """See to it that the service begins when this process serves the web."""
        if self._flask.testing:
            return
        self._flask.before_request(self._before_request)
        loader, frame = _loader()
        self._tell = loader == _FLASK
        if loader == _GUNICORN_WORKER or (loader == _FLASK and _will_serve()):
            _in_background(self._begin_after, frame)
        elif loader == _GUNICORN_PARENT:
            _armed.add(self)

    def after_fork(self) -> None:
        """Begin in a worker that was forked with the app already loaded."""
        if not self._begun:
            self._reset()
            _in_background(self._begin)

    def _before_request(self) -> None:
        # In a test, which may have said so only now, and where the app is served already.
        if self._flask.testing or (not self._begun and self._peer.app.is_running):
            return
        if not self._settled.is_set():
            _in_background(self._begin)
            self._settled.wait(self._peer.settings.timeout)

    def _begin_after(self, loading: FrameType) -> None:
        loader = loading.f_locals.get("self")
        while _runs(loading):
            time.sleep(_LOOK_SECONDS)
        # What failed to load, as under a reloader that shows the mistake, has not declared it all.
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
        except PortInUse:  # its own sentence names --port, which here is the web server's
            config = self._peer.settings.config
            trouble = (
                f"Port {config.port} on {config.host} is taken by something that is not a WAMP "
                "router; choose another with WAMP_PORT, or stop what holds it."
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
                    # Two routers in the box are two routers.
                    config.url or f"{config.host}:{config.port}",
                    config.realm,
                    app.prefix,
                ),
            )
        )
        if not _ask_first(key):
            return  # the same app, made once more in this process
        turn = _take_turn(key, self._settled.set)
        runtime = get_runtime()
        service = app.make_service(config, runtime, succeeds=True)
        app.attach(service)
        atexit.register(_stop, service, os.getpid())
        service.workers.reserve()  # for its shutdown hooks
        try:
            runtime.call(service.find_router())
            self._settled.set()
            runtime.call(service.start())
            if self._tell:
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
            os.close(turn)  # now another process may try


def _in_background(function: Callable[..., None], *args: object) -> None:
    # A daemon, as all of ours: whatever happens, the process can end.
    threading.Thread(target=function, args=args, daemon=True).start()


def _stop(service: Service, process: int) -> None:
    if process == os.getpid():
        service.runtime.call(service.stop())


def _ask_first(key: str) -> bool:
    """Tell whether nobody in this process has asked for a turn yet; its lock is the process's."""
    with _asking:
        first = key not in _asked
        _asked.add(key)
    return first


def _take_turn(key: str, others: Callable[[], None]) -> int:
    """Wait until no other process of this machine serves.

    Args:
        key: what is served.
        others: called if another process serves just now.

    Returns:
        The lock's file descriptor; the turn ends when it is closed.

    Raises:
        OSError: the lock file cannot be opened.
    """
    name = f"wampapp-{os.getuid()}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.lock"
    path = Path(tempfile.gettempdir()) / name
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    lock = os.open(path, flags, 0o600)
    # A record lock belongs to the process: it ends with it, and a fork does not inherit it. Who
    # waits asks again and again: the kernel would refuse a wait as a deadlock where two processes
    # have two apps each.
    while True:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            others()
            time.sleep(_TURN_SECONDS)
        else:
            return lock


def _loader() -> tuple[tuple[str, str] | None, FrameType]:
    """Tell which function loads the app just now; None for one that is not known."""
    frame: FrameType | None = sys._getframe(1)
    here = sys._getframe(1)
    known = (_FLASK, _GUNICORN_WORKER, _GUNICORN_PARENT)
    while frame is not None:
        name = (frame.f_globals.get("__name__", ""), frame.f_code.co_name)
        if name in known:
            return name, frame
        frame = frame.f_back
    return None, here


def _runs(frame: FrameType) -> bool:
    try:
        frame.clear()
    except RuntimeError:
        return True  # what is still being executed cannot be cleared
    return False


def _will_serve() -> bool:
    """Tell whether Flask's command line loads the app to serve it, in this very process."""
    context = click.get_current_context(silent=True)
    if context is None or context.command is not run_command:
        return False
    reloads = context.params.get("reload")
    if reloads is None:
        reloads = get_debug_flag()
    return is_running_from_reloader() or not reloads


#: What serves once gunicorn's parent process, which loaded the app, has forked its workers.
_armed: weakref.WeakSet[Inline] = weakref.WeakSet()
_asking = threading.Lock()
_asked: set[str] = set()


def _after_fork() -> None:
    for inline in list(_armed):
        inline.after_fork()


os.register_at_fork(after_in_child=_after_fork)
