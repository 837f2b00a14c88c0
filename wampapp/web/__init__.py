"""Web pages beside WAMP: what the views of ``@app.route`` are written with.

::

    from wampapp import App
    from wampapp.web import render_template

    app = App(prefix="com.shop")

    @app.route("/")
    async def index():
        return render_template("index.html", orders=await app.call(".orders"))

It needs the extra ``wampapp[web]``. What it exports is imported on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wampapp.web.current import Request, g, request, session
    from wampapp.web.flashing import flash, get_flashed_messages
    from wampapp.web.http_bridge import bridge
    from wampapp.web.page_tickets import PageTickets
    from wampapp.web.responses import Response, make_response, send_file
    from wampapp.web.sessions import Session, open_session
    from wampapp.web.templates import render_template, render_template_string
    from wampapp.web.urls import abort, redirect, url_for

__all__ = [
    "PageTickets",
    "Request",
    "Response",
    "Session",
    "abort",
    "bridge",
    "flash",
    "g",
    "get_flashed_messages",
    "make_response",
    "open_session",
    "redirect",
    "render_template",
    "render_template_string",
    "request",
    "send_file",
    "session",
    "url_for",
]

_MODULES = {
    "http_bridge": ("bridge",),
    "current": ("Request", "g", "request", "session"),
    "flashing": ("flash", "get_flashed_messages"),
    "page_tickets": ("PageTickets",),
    "responses": ("Response", "make_response", "send_file"),
    "sessions": ("Session", "open_session"),
    "templates": ("render_template", "render_template_string"),
    "urls": ("abort", "redirect", "url_for"),
}
_PLACES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from wampapp.registry.extras import check_extra

    check_extra("wampapp.web", "werkzeug", "jinja2", "itsdangerous")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
