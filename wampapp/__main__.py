"""The command ``wampapp``, also as ``python -m wampapp``."""

import signal


def main() -> None:
    """Run the command line."""
    # While the command line is imported, Ctrl-C has nothing to tidy up, and would show a traceback.
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from wampapp.cli.main import main as run

    signal.signal(signal.SIGINT, before)
    run()


if __name__ == "__main__":
    main()
