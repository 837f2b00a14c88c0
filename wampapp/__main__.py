"""``python -m wampapp`` is the command line."""

from wampapp.cli import main

main()
