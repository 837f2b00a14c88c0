"""Has what answers a request of a Flask app belong to the request's trace."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from flask import g, request, request_started, request_tearing_down

from wampapp.observe.tracing import RUNNING, of_request
from wampapp.protocol.traceparent import HEADER

if TYPE_CHECKING:
    from flask import Flask

_KEY: Final = "_wampapp_trace"


def take_in(app: Flask) -> None:
    """Take in the traces of a Flask app's requests."""
    request_started.connect(_begin, app)
    request_tearing_down.connect(_end, app)


def _begin(*_sender: Any, **_details: Any) -> None:
    if RUNNING.get() is None:  # else the request is a part of something already
        headers = [(HEADER.encode(), one.encode()) for one in request.headers.getlist(HEADER)]
        setattr(g, _KEY, RUNNING.set(of_request(headers)))


def _end(*_sender: Any, **_details: Any) -> None:
    token = g.pop(_KEY, None)
    if token is not None:
        with contextlib.suppress(ValueError):  # a response that streams may end elsewhere
            RUNNING.reset(token)
