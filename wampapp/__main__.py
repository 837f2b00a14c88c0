"""The command ``wampapp``, also as ``python -m wampapp``."""

import signal
import sys


def main() -> None:
    """Run the command line."""
    # While the command line is imported, Ctrl-C has nothing to tidy up, and would show a traceback.
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        from wampapp.cli.main import main as run
    except (ImportError, AttributeError) as error:
        from wampapp.observe.hidden import explain

        explained = explain(error)
        if explained is None:
            raise
        sys.stderr.write(f"Error: {explained}\n")
        sys.exit(explained.exit_code)
    signal.signal(signal.SIGINT, before)
    run()


if __name__ == "__main__":
    main()
