"""Uvloop is used where it is installed."""

import signal

from wampapp.loop.runtime import get_runtime

signal.alarm(50)  # seconds; the end of a program that hangs
print(type(get_runtime().loop).__module__)
