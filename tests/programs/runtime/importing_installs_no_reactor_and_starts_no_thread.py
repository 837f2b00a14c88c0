"""Importing installs no reactor and starts no thread."""

import sys
import threading

import wampapp  # noqa: F401

assert "twisted.internet.reactor" not in sys.modules
assert threading.active_count() == 1
