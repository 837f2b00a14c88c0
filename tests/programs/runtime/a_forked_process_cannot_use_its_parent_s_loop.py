"""A forked process cannot use its parent's loop."""

import signal

from forking import in_child

from wampapp.loop.runtime import get_runtime

signal.alarm(50)  # seconds; the end of a program that hangs
get_runtime()
assert in_child(get_runtime) == 7
get_runtime()
