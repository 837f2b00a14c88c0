"""A process forked before the start has a loop of its own."""

import signal

from forking import in_child, seven

from wampapp.loop.runtime import get_runtime

signal.alarm(50)  # seconds; the end of a program that hangs
assert in_child(lambda: get_runtime().run(seven())) == 0
