"""The command, for which a signal's echo lasts long."""

from wampapp.cli.main import main
from wampapp.runner import signals

signals.ECHO = 60.0
main()
