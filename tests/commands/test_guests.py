"""`wampapp run --guest`: programs in other languages beside a service, in one terminal."""

import os
import re
import signal
import sys
from pathlib import Path

import pytest

from tests.support.listener import Listener
from tests.support.ports import free_port
from tests.support.process import ROOT, Wampapp, environment, wampapp
from tests.support.terminal import WampappTerminal

pytestmark = pytest.mark.processes

SHOP = ROOT / "tests" / "programs" / "deploy" / "shop.py"
GUEST = """
import os, signal, sys, time

signal.signal(signal.SIGTERM, lambda *_: (print("tidies up", flush=True), sys.exit(0)))
print("begins at", os.environ["WAMPAPP_URL"], "as", os.getpid(), flush=True)
if "fails" in sys.argv:
    sys.exit(3)
if "refused" in sys.argv:
    sys.exit(4)
while True:
    time.sleep(60)
"""


SAYS = """
from wampapp import App

app = App(prefix="com.{name}", name="{name}")


@app.on_join
def joined() -> None:
    app.logger.info("is here")
"""
#: What makes text cyan, yellow and magenta on a terminal, and what ends that.
CYAN, YELLOW, MAGENTA, END = "\x1b[36m", "\x1b[33m", "\x1b[35m", "\x1b[0m"


@pytest.fixture
def guest(tmp_path: Path) -> str:
    (tmp_path / "worker.py").write_text(GUEST)
    return f"{sys.executable} {tmp_path / 'worker.py'}"


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["single", "workers"])
def test_a_guest_runs_beside_the_service(guest: str, options: tuple[str, ...]) -> None:
    port = free_port()
    words = ("run", SHOP, "--port", str(port), "--guest", guest, *options)
    with Wampapp(*words, env=environment()) as service:
        service.until("Press Ctrl-C")
        begun = service.until(rf"^worker  begins at ws://127\.0\.0\.1:{port}/ws as (\d+)$")
        # It is killed, and started again.
        os.kill(int(begun[1]), signal.SIGKILL)
        service.until(r"^worker  has ended \(SIGKILL\); it is started again in 1 s$")
        again = service.until(rf"^worker  begins .* as (?!{begun[1]}$)(\d+)$")
        assert service.stop() == 0
        service.until("^worker  tidies up$")
        assert not is_alive(int(again[1]))


def test_several_have_names(guest: str) -> None:
    words = ("run", SHOP, "--port", str(free_port()))
    more = ("--guest", f"{guest} fails", "--guest", f"{guest} refused", "--guest", guest)
    with Wampapp(*words, *more, env=environment()) as service:
        service.until(r"^fails  has ended \(exit code 3\); it is started again in 1 s$")
        service.until(r"^refused  has ended \(exit code 4\)$")
        service.until("^worker  begins at")
        service.until("Press Ctrl-C")
        assert service.stop() == 0
    assert len(re.findall(r"^refused  begins", service.text, re.MULTILINE)) == 1


@pytest.mark.parametrize(
    ("names", "options", "variables", "shown"),
    [
        (
            ["tea", "cake"],
            (),
            {},
            [f"{CYAN}tea{END}", f"{YELLOW}cake{END}", f"{MAGENTA}worker{END}"],
        ),
        (
            ["tea"],
            ("--workers", "2"),
            {},
            [f"{CYAN}tea[1]{END}", f"{YELLOW}tea[2]{END}", f"{MAGENTA}worker{END}"],
        ),
        (["tea"], ("--workers", "1"), {}, [f"{CYAN}tea{END}", f"{YELLOW}worker{END}"]),
        (["tea"], (), {"NO_COLOR": "1"}, ["tea", "worker"]),
    ],
    ids=["services", "workers", "supervised", "none are wanted"],
)
def test_each_has_its_colour_on_a_terminal(
    guest: str,
    tmp_path: Path,
    names: list[str],
    options: tuple[str, ...],
    variables: dict[str, str],
    shown: list[str],
) -> None:
    places = [tmp_path / f"{name}.py" for name in names]
    for place in places:
        place.write_text(SAYS.format(name=place.stem))
    words = ("run", *places, "--port", str(free_port()), "--guest", guest, *options)
    with WampappTerminal(*words, env=environment(**variables)) as terminal:
        terminal.until("worker  begins at")
        terminal.press("ctrl-c")
        assert terminal.wait() == 0
    *services, worker = shown
    for service in services:
        assert re.search(rf"\d  {re.escape(service)}  is here", terminal.raw)
    assert f"\n{worker}  begins at" in terminal.raw


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--guest", "absent-program x"], "needs 'absent-program', which is neither on the path"),
        (["--guest", ""], "A guest is a command, such as --guest 'node worker.js'."),
        (["--guest", "a 'b"], "cannot be read: No closing quotation."),
        (["--guest", "sh -c true", "--port", "0"], "Guests have to know the router's port"),
    ],
)
def test_mistakes_start_nothing(words: list[str], sentence: str) -> None:
    done = wampapp("run", SHOP, *words)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_port_in_use_starts_nothing(guest: str) -> None:
    with Listener(lambda connection: connection.close()) as other:
        done = wampapp("run", SHOP, "--port", str(other.port), "--guest", guest)
    assert done.returncode == 2
    assert "begins" not in done.stderr
    done = wampapp("run", "absent.py", "--guest", guest, "--workers", "2", "--port", "8999")
    assert done.returncode == 2
    assert "begins" not in done.stderr
