"""A runtime that came over a fork says so and does not hang."""

import signal
import sys

from forking import in_child, seven

from wampapp.loop.runtime import get_runtime

signal.alarm(50)  # seconds; the end of a program that hangs
runtime = get_runtime()
assert runtime.call(seven()) == 7
verb = getattr(runtime, sys.argv[1])
ended = in_child(lambda: verb(seven()))
assert ended == 7, ended
