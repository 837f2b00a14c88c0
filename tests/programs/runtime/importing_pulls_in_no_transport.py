"""Importing pulls in no transport."""

import sys

import wampapp  # noqa: F401

heavy = {name.partition(".")[0] for name in sys.modules} & {"autobahn", "twisted", "txaio"}
assert not heavy, heavy
