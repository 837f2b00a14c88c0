import os
import subprocess
import sys
import time
from pathlib import Path

from wampapp import App

app = App(prefix="com.example", grace=60)
HERE = Path(__file__).parent


def wait_for(name: str) -> None:
    while not (HERE / name).exists():
        time.sleep(0.01)


@app.register
def version() -> int:
    return 1


@app.register
def pid() -> int:
    return os.getpid()


@app.register
def wait() -> str:
    app.log("wait has begun")
    wait_for("go")
    return "done"


@app.register
def variables() -> list[str]:
    """Those of a process manager that a program of ours gets."""
    code = "import os; print(*(n for n in os.environ if n.startswith(('NOTIFY_', 'WATCHDOG_'))))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


@app.on_startup
def begin() -> None:
    if "NOTIFY_SOCKET" in os.environ:
        raise AssertionError
    app.log("hook has begun")
    if (HERE / "notify").exists():
        wait_for("started")
