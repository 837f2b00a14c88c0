"""Flask apps as WAMP peers: callees, subscribers, callers and publishers.

::

    from flask import Flask, g
    from wampapp.flask import WAMP

    app = Flask(__name__)
    wamp = WAMP(app)

    @app.route("/hello")
    @wamp.register("com.example.hello")
    def hello():
        return "Hello, World!"

    @app.route("/sum")
    def total():
        return str(g.wamp.call("com.example.add", 2, 3))

``flask wamp run`` serves what is registered and subscribed, in a process of its own.
"""

from __future__ import annotations

try:
    import flask as _flask  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "flask":
        raise
    raise ModuleNotFoundError(
        "wampapp.flask needs Flask; install it with: pip install 'wampapp[flask]'", name="flask"
    ) from None

from wampapp.flask.extension import WAMP
from wampapp.flask.peer import Peer

__all__ = ["WAMP", "Peer"]
