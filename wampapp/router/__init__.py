"""The router in the box: a sans-I/O core, and the server that joins it to sockets.

``core``, ``broker`` and ``dealer`` take messages and give messages: no sockets, no clock.
``server`` listens.
"""

from wampapp.router.core import Realm, Router, RouterSession

__all__ = ["Realm", "Router", "RouterSession"]
