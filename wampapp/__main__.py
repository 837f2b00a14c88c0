"""The command ``wampapp``, which ``python -m wampapp`` is too."""

import signal


def main() -> None:
    """Run the command line."""
    # Until it is imported, Ctrl-C has nothing to tidy up, and a traceback to show.
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from wampapp.cli.main import main as run

    signal.signal(signal.SIGINT, before)
    run()


if __name__ == "__main__":
    main()
