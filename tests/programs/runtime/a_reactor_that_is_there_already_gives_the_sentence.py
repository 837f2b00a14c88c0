"""A reactor that is there already gives the sentence."""

import signal

from wampapp import UsageError
from wampapp.loop.runtime import get_runtime

signal.alarm(50)  # seconds; the end of a program that hangs
from twisted.internet import reactor


async def seven():
    return 7


for _ in range(2):
    try:
        get_runtime().run(seven())
    except UsageError as error:
        name = type(reactor).__name__
        assert str(error) == (
            f"Twisted's {name} is installed already, so app.run() cannot install its own on "
            "asyncio; import twisted.internet.reactor inside your handlers, not at the top "
            "of the module, or use 'await app.start()' in a program that runs its own "
            "reactor."
        ), error
    else:
        raise AssertionError
assert get_runtime().call(seven()) == 7  # a blocking client has a loop of its own
