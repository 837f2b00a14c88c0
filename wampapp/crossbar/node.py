"""A Crossbar.io node: a process of its own, in a virtual environment of its own."""

import contextlib
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self, cast

from wampapp.crossbar.installation import Progress, clean_environ, environment

_READY_LINE = "NODE_BOOT_COMPLETE"  # logged once every worker, realm and transport has started
_START_DEADLINE = 60.0  # seconds; a start takes about two on an idle machine
_STOP_DEADLINE = 10.0  # seconds, before an orderly stop turns into a kill


class CrossbarError(RuntimeError):
    """Crossbar.io did not start; the message ends with the last lines of its log."""


def node_configuration(realm: str, host: str, port: int = 0) -> dict[str, Any]:
    """Return the configuration of a node where anonymous sessions may do everything.

    Its one endpoint serves RawSocket and, at ``/ws``, WebSocket, each with JSON, MessagePack and
    CBOR.

    Args:
        realm: the realm.
        host: the IPv4 address to listen on.
        port: the port; 0 for that of the :class:`Crossbar` that runs the node.
    """
    serializers = ["json", "msgpack", "cbor"]
    permission = {
        "uri": "",
        "match": "prefix",
        "allow": dict.fromkeys(("call", "register", "publish", "subscribe"), True),
        "disclose": {"caller": True, "publisher": True},
        "cache": True,
    }
    roles = [{"name": "anonymous", "permissions": [permission]}]
    transport = {
        "type": "universal",
        "endpoint": {"type": "tcp", "interface": host, "port": port},
        "rawsocket": {"serializers": serializers},
        "websocket": {"ws": {"type": "websocket", "serializers": serializers}},
    }
    realms = [{"name": realm, "roles": roles}]
    worker = {"type": "router", "realms": realms, "transports": [transport]}
    return {"version": 2, "workers": [worker]}


@dataclass(eq=False)
class Crossbar:
    """A Crossbar.io node as a child process; a context manager that starts and stops it.

    Attributes:
        realm: the realm.
        host: the IPv4 address to listen on.
        port: the port; 0 for a free one, which it keeps from the first start on.
        workdir: a folder for the node's files, created if missing, and kept; None for a temporary
            one.
        config: replaces ``node_configuration(realm, host)``; every ``"port": 0`` in it becomes the
            chosen port.
        progress: called with one line before and one after an installation of Crossbar.io.
    """

    realm: str = "realm1"
    host: str = "127.0.0.1"
    port: int = 0
    workdir: Path | None = None
    config: Mapping[str, Any] | None = None
    progress: Progress | None = None

    def __post_init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._cleanup = contextlib.ExitStack()
        self._log: deque[str] = deque(maxlen=400)

    @property
    def rs_url(self) -> str:
        """The RawSocket URL of the node's endpoint."""
        return f"rs://{self.host}:{self.port}"

    @property
    def ws_url(self) -> str:
        """The WebSocket URL of the node's endpoint."""
        return f"ws://{self.host}:{self.port}/ws"

    @property
    def pid(self) -> int | None:
        """The id of the controller's process, and of the node's process group; None if stopped."""
        return self._process.pid if self._process else None

    def log(self, lines: int = 400) -> str:
        """Return the last lines of the node's output, over all its starts; at most 400."""
        return "\n".join(list(self._log)[-lines:])

    def start(self) -> Self:
        """Start the node, and return it once it accepts connections; stop or kill it later.

        Raises:
            InstallError: Crossbar.io cannot be installed.
            OSError: the port is in use.
            CrossbarError: the node runs already, ended before it was ready, or was not ready
                within 60 seconds.
        """
        if self._process:
            raise CrossbarError(f"Crossbar.io already runs on port {self.port}")
        program = environment(self.progress) / "bin" / "crossbar"
        # Crossbar takes seconds to fail on a port in use, and its log does not say why.
        with socket.create_server((self.host, self.port)) as probe:
            self.port = probe.getsockname()[1]
        news: queue.SimpleQueue[str] = queue.SimpleQueue()
        with contextlib.ExitStack() as cleanup:
            folder = (self.workdir or Path(tempfile.mkdtemp(prefix="wampapp-crossbar-"))).absolute()
            if not self.workdir:
                cleanup.callback(shutil.rmtree, folder)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "config.json").write_text(json.dumps(self._configuration()))
            process = subprocess.Popen(  # noqa: S603 - the command is ours
                [program, "start", "--cbdir", folder, "--color=false", "--loglevel=info"],
                cwd=folder, env=clean_environ(), process_group=0, text=True, errors="replace",
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            reader = threading.Thread(target=self._read, args=(process, news), daemon=True)
            reader.start()
            cleanup.callback(reader.join, 5.0)
            cleanup.callback(_end_group, process)
            try:
                trouble = news.get(timeout=_START_DEADLINE)
            except queue.Empty:
                trouble = f"was not ready within {_START_DEADLINE:.0f} s"
            if trouble:
                raise CrossbarError(f"Crossbar.io {trouble}; its log ends with:\n{self.log(25)}")
            self._process, self._cleanup = process, cleanup.pop_all()
        return self

    def stop(self) -> None:
        """End the node and its workers in good order; remove its temporary folder, if any."""
        if self._process:
            self._process.terminate()  # the controller ends its workers, and waits for them
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_DEADLINE)
        self.kill()

    def kill(self) -> None:
        """End the node and its workers at once, as a crash would; remove what :meth:`stop` does."""
        self._process = None
        self._cleanup.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def _configuration(self) -> Any:
        def fill(item: dict[str, Any]) -> dict[str, Any]:
            return item | {"port": self.port} if item.get("port") == 0 else item

        config = node_configuration(self.realm, self.host) if self.config is None else self.config
        return json.loads(json.dumps(config), object_hook=fill)

    def _read(self, process: subprocess.Popen[str], news: "queue.SimpleQueue[str]") -> None:
        """Read the node's output; put an empty string when it is ready, and a reason at its end."""
        with cast("IO[str]", process.stdout) as lines:
            for line in lines:
                self._log.append(line.rstrip())
                if _READY_LINE in line:
                    news.put("")
        news.put("ended before it was ready")


def _end_group(process: subprocess.Popen[str]) -> None:
    """Kill what is left of the process group and wait for its end, which frees the port."""
    deadline = time.monotonic() + _STOP_DEADLINE
    with contextlib.suppress(ProcessLookupError, PermissionError):  # EPERM: all dead, on macOS
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        # Workers are not children of this process, which could wait for them. The deadline is for a
        # container whose first process does not reap the dead.
        while time.monotonic() < deadline:
            os.killpg(process.pid, 0)
            time.sleep(0.01)
    process.wait()
