"""Tests of a service without a router, a plugin or waiting.

::

    def test_add():
        with app.test_client() as client:
            assert client.call("com.example.add", 2, 3) == 5

:class:`TestRealm` runs several apps together; ``app.test_session()`` is for tests that are
coroutines; :data:`clock` makes timers, timeouts and delays happen without waiting for them.
"""

from wampapp.testing.events import Events, Published
from wampapp.testing.realm import TestClient, TestRealm
from wampapp.testing.session import TestSession
from wampapp.testing.stub import Stub, StubCall
from wampapp.testing.virtual_clock import Clock, clock

__all__ = [
    "Clock",
    "Events",
    "Published",
    "Stub",
    "StubCall",
    "TestClient",
    "TestRealm",
    "TestSession",
    "clock",
]
