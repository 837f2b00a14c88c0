"""Testing a service with no router, no plugin and no waiting.

::

    def test_add():
        with app.test_client() as client:
            assert client.call("com.example.add", 2, 3) == 5

:class:`TestRealm` runs several apps together; ``app.test_session()`` is for tests that are
coroutines; :data:`clock` brings timers, timeouts and delays about without waiting for them.
"""

from wampapp.testing.events import Events, Published, Stub, StubCall
from wampapp.testing.realm import TestClient, TestRealm
from wampapp.testing.session import TestSession
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
