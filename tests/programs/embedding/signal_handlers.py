"""Signal handlers of a program, and whether they are still there."""

import signal

came = []
numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR1)


def handler(number, _frame):
    came.append(number)


def check():
    for number in numbers:
        assert signal.getsignal(number) is handler, signal.Signals(number).name


def setup():
    for number in numbers:
        signal.signal(number, handler)
