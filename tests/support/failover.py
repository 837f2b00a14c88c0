"""Two routers behind a real HAProxy, and who calls through it without a pause."""

import subprocess
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tests.support.debian import debian_tool
from tests.support.ports import free_port
from tests.support.process import DEADLINE, ROOT, Process, Wampapp, environment, wampapp
from wampapp import WampappError, connect
from wampapp.crossbar import Progress

COUNTER = ROOT / "tests" / "programs" / "deploy" / "counter.py"


class Pair:
    """Two routers behind one address, and a service that has joined there."""

    def __init__(self, folder: Path, haproxy: Path, env: dict[str, str]) -> None:
        self._stack = ExitStack()
        self._folder = folder
        self.ports = [free_port(), free_port()]
        bind = f"127.0.0.1:{free_port()}"
        self.url = f"rs://{bind}"
        places = [f"127.0.0.1:{port}" for port in self.ports]
        done = wampapp("deploy", "haproxy", *places, "--bind", bind, "--output", "d", cwd=folder)
        assert done.returncode == 0, done.stderr
        file = folder / "d" / "haproxy" / "haproxy.cfg"
        checked = subprocess.run(
            [haproxy, "-c", "-f", file], capture_output=True, check=False, env=env
        )
        assert checked.returncode == 0, checked.stderr
        self._haproxy = [haproxy, "-db", "-f", file]
        self._env = env

    def __enter__(self) -> Self:
        try:
            self._begin()
        except BaseException:
            self._stack.close()
            raise
        return self

    def _begin(self) -> None:
        self.routers = [self._start("router", "--port", str(port)) for port in self.ports]
        for router in self.routers:
            router.until("Press Ctrl-C")
        proxy = Process(*self._haproxy, cwd=self._folder, env=self._env)
        self._stack.enter_context(proxy)
        self.service = self._start("run", COUNTER, "--url", self.url)
        self.service.until("Press Ctrl-C")

    def _start(self, *words: str | Path) -> Wampapp:
        return self._stack.enter_context(Wampapp(*words, cwd=self._folder, env=environment()))

    def __exit__(self, *exception: object) -> None:
        self._stack.close()


class Calls(threading.Thread):
    """One call after the other, each with a number of its own."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self.answered: list[int] = []
        self.failed: list[int] = []
        self.longest = 0.0
        self.ended = False

    def run(self) -> None:
        number, last = 0, time.monotonic()
        with connect(self._url, timeout=DEADLINE) as client:
            while not self.ended:
                number += 1
                try:
                    assert client.call("com.shop.tell", number) == number
                except WampappError:
                    self.failed.append(number)
                    time.sleep(0.02)  # as who tries again
                else:
                    self.answered.append(number)
                    self.longest = max(self.longest, time.monotonic() - last)
                    last = time.monotonic()


def haproxy(progress: Progress | None = None) -> tuple[Path, dict[str, str]]:
    """Return where HAProxy is, and the environment that it needs."""
    return debian_tool("haproxy", "haproxy", progress)
