"""What forks, and what a child may run."""

import os
import signal
import warnings

from wampapp import UsageError


def in_child(work):
    """Fork, and return how the child ended; a signal's number where it hung."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of forking with threads
        child = os.fork()
    if child == 0:
        signal.alarm(40)
        try:
            work()
        except UsageError as error:
            os._exit(7 if "forked" in str(error) else 8)
        except BaseException:
            os._exit(9)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


async def seven():
    return 7
