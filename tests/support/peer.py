"""A foreign WAMP peer in a process of its own, driven by lines of JSON over its standard streams.

The test writes commands, ``{"id": 1, "do": "call", "uri": "com.add", "args": [2, 3]}``; the peer
answers each with ``{"id": 1, "result": …}`` or ``{"id": 1, "error": {"uri": …, "args": …,
"kwargs": …}}``. Of its own accord it says ``{"joined": session}``, ``{"left": reason}`` and
``{"event": {…}}``. It ends when it has left, and when its standard input does.
"""

import contextlib
import itertools
import json
import os
import queue
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import IO, Any, NamedTuple, Self, cast

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 60.0  # seconds


class PeerError(Exception):
    """The peer's command failed with a WAMP error: its `uri`, `payload` and `kwpayload`."""

    def __init__(self, uri: str, payload: list[Any], kwpayload: dict[str, Any]) -> None:
        super().__init__(uri, payload, kwpayload)
        self.uri = uri
        self.payload = payload
        self.kwpayload = kwpayload


class PeerGoneError(RuntimeError):
    """The peer's process ended, or left its realm; the message carries the end of its stderr."""


class Result(NamedTuple):
    """What a call returned; a procedure that returned nothing has one argument, None."""

    args: list[Any]
    kwargs: dict[str, Any]


class Event(NamedTuple):
    """An event that reached a subscription of the peer."""

    topic: str
    args: list[Any]
    kwargs: dict[str, Any]
    publication: int
    publisher: int | None


class Peer:
    """A context manager that starts a peer, waits until it has joined, and ends it.

    Arguments: the `command`, to which the router's `url` and the `realm` are added, and changes
    to the `environ`ment. Blocking methods take at most `DEADLINE` seconds: they raise TimeoutError
    after that, PeerGoneError when the process is gone, PeerError for a WAMP error.
    """

    def __init__(
        self, command: Sequence[str], url: str, realm: str, environ: Mapping[str, str] | None = None
    ) -> None:
        self.command = [*command, url, realm]
        self.environ = {**os.environ, **(environ or {})}
        self.session = 0
        self._ids = itertools.count(1)
        self._pending: dict[int, Future[Any]] = {}
        self._lock = threading.Lock()
        self._gone = False
        self._joined: Future[int] = Future()
        self._left: Future[str] = Future()
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._stderr: deque[str] = deque(maxlen=40)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self.command,
            cwd=ROOT,
            env=self.environ,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._threads = [
            threading.Thread(target=self._read_errors, daemon=True),
            threading.Thread(target=self._read_messages, daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        try:
            self.session = self._await(self._joined, "join")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def register(self, uri: str, endpoint: str = "echo", **options: Any) -> int:
        """Register `echo` (returns what it got), `add` (two numbers) or `fail` (uri, *payload)."""
        registration: int = self.request("register", uri=uri, endpoint=endpoint, options=options)
        return registration

    def subscribe(self, topic: str, **options: Any) -> int:
        """Subscribe to a topic; `event` returns what arrives."""
        subscription: int = self.request("subscribe", uri=topic, options=options)
        return subscription

    def call(self, uri: str, /, *args: Any, **kwargs: Any) -> Result:
        """Call a procedure and wait for its result."""
        return Result(**self.request("call", uri=uri, args=args, kwargs=kwargs))

    def publish(self, topic: str, /, *args: Any, **kwargs: Any) -> int:
        """Publish an event, wait for the router's acknowledgement, return the publication's id."""
        publication: int = self.request("publish", uri=topic, args=args, kwargs=kwargs)
        return publication

    def event(self) -> Event:
        """Wait for the next event of any subscription."""
        try:
            event = self._events.get(timeout=DEADLINE)
        except queue.Empty:
            raise TimeoutError(f"no event within {DEADLINE:.0f} s{self._tail()}") from None
        if event is None:
            self._events.put(None)  # for whoever asks again
            raise PeerGoneError(f"the peer ended{self._tail()}")
        return event

    def leave(self) -> str:
        """Leave the realm, wait until the process has ended, return the reason of the leave."""
        self.request("leave")
        reason: str = self._await(self._left, "leave")
        self.close()
        return reason

    def request(self, do: str, **fields: Any) -> Any:
        """Send any command, with `options=` if need be, and wait for its plain result."""
        return self._await(self.send(do, **fields), do)

    def send(self, do: str, **fields: Any) -> Future[Any]:
        """Send a command, and return a future of its plain result."""
        answer: Future[Any] = Future()
        number = next(self._ids)
        with self._lock:
            self._pending[number] = answer
            stdin = cast("IO[str]", self._process.stdin)
            if self._gone or stdin.closed:
                raise PeerGoneError(f"the peer ended{self._tail()}")
            with contextlib.suppress(BrokenPipeError):  # then the end of its stdout tells `answer`
                stdin.write(json.dumps({"id": number, "do": do, **fields}) + "\n")
                stdin.flush()
        return answer

    def close(self) -> None:
        """End the process without a goodbye, unless it has ended, and release its streams."""
        with contextlib.suppress(OSError):
            cast("IO[str]", self._process.stdin).close()
        try:
            self._process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join()

    def _await(self, future: Future[Any], do: str) -> Any:
        try:
            return future.result(DEADLINE)
        except TimeoutError:
            late = f"no answer to {do!r} within {DEADLINE:.0f} s{self._tail()}"
            raise TimeoutError(late) from None

    def _tail(self) -> str:
        return "; its stderr ends with:\n" + "\n".join(self._stderr)

    def _read_errors(self) -> None:
        with cast("IO[str]", self._process.stderr) as lines:
            for line in lines:
                self._stderr.append(line.rstrip())

    def _read_messages(self) -> None:
        with cast("IO[str]", self._process.stdout) as lines:
            for line in lines:
                self._take(json.loads(line))
        self._threads[0].join()  # so that the message has all of stderr
        died = PeerGoneError(f"the peer ended{self._tail()}")
        with self._lock:
            self._gone = True
            waiting: list[Future[Any]] = [self._joined, self._left, *self._pending.values()]
        for future in waiting:
            if not future.done():
                future.set_exception(died)
        self._events.put(None)

    def _take(self, message: dict[str, Any]) -> None:
        match message:
            case {"id": number, "result": result}:
                self._pending.pop(number).set_result(result)
            case {"id": number, "error": {"uri": uri, "args": args, "kwargs": kwargs}}:
                self._pending.pop(number).set_exception(PeerError(uri, args, kwargs))
            case {"event": event}:
                self._events.put(Event(**event))
            case {"joined": session} if not self._joined.done():
                self._joined.set_result(session)
            case {"left": reason} if not self._left.done():
                if not self._joined.done():
                    self._joined.set_exception(PeerGoneError(f"the peer could not join: {reason}"))
                self._left.set_result(reason)
