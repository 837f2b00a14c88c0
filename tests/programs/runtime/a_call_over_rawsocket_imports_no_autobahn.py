"""A call over RawSocket imports no Autobahn, which would take a quarter of a command's time."""

import sys

from wampapp import connect

with connect(sys.argv[1]) as client:
    assert client.call("wamp.session.count") == 1

assert not any(name.partition(".")[0] == "autobahn" for name in sys.modules)
