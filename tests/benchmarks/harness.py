"""Processes that always end, rounds that alternate, medians and tables."""

import contextlib
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO, Any, Self, TypeVar, cast

from wampapp.client.connect import ConnectedClient

ROOT = Path(__file__).resolve().parents[2]
READY = "READY"
WAMPAPP_READY = "Press Ctrl-C to stop."
DEADLINE = 60.0  # seconds to wait beyond the length of a measurement

Key = TypeVar("Key", bound=Hashable)
Sample = TypeVar("Sample")


class Process:
    """A child process; a context manager that waits until it is ready, and kills it at the end.

    Arguments: its `command`; the text of the line that it prints when it is `ready`; and whether it
    `talks`, that is, answers each line of input with a line of output.
    """

    def __init__(self, command: Sequence[str], ready: str, *, talks: bool = False) -> None:
        self.command = list(command)
        self._talks = talks
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.output: deque[str] = deque(maxlen=200)
        self._ready = ready

    def __enter__(self) -> Self:
        news: queue.SimpleQueue[str] = queue.SimpleQueue()
        # A group of its own: Ctrl-C reaches only the parent, which then ends all of them.
        self._child = subprocess.Popen(
            self.command, cwd=ROOT, env=environ(), process_group=0, text=True, errors="replace",
            stdin=subprocess.PIPE if self._talks else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, args=(news,), daemon=True)
        try:
            self._reader.start()
            try:
                trouble = news.get(timeout=DEADLINE)
            except queue.Empty:
                trouble = f"was not ready within {DEADLINE:.0f} s"
            if trouble:
                said = "\n".join(self.output)
                raise RuntimeError(f"{' '.join(self.command)} {trouble}; it said:\n{said}")
        except BaseException:
            self.__exit__()
            raise
        return self

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def ask(self, line: str, timeout: float) -> str:
        """Write a line to a process that talks, and return its answering line."""
        stdin = cast("IO[str]", self._child.stdin)
        stdin.write(f"{line}\n")
        stdin.flush()
        return self._answers.get(timeout=timeout)

    def __exit__(self, *exc_info: object) -> None:
        if self._child.stdin is not None:
            self._child.stdin.close()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        self._reader.join(5.0)

    def _read(self, news: "queue.SimpleQueue[str]") -> None:
        with cast("IO[str]", self._child.stdout) as lines:
            for line in lines:
                self.output.append(line.rstrip())
                if self._ready in line:
                    news.put("")
                elif self._talks:
                    self._answers.put(line)
        news.put("ended before it was ready")


def router_url(router: Process) -> str:
    """Return the RawSocket URL that a `wampapp router` has printed."""
    found = re.search(r"rs://\S+", "\n".join(router.output))
    if found is None:
        raise RuntimeError("wampapp's router did not print its URL")
    return found[0]


def environ() -> dict[str, str]:
    """Return the environment of every process, without wampapp's variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WAMPAPP_")}
    return kept | {"PYTHONUNBUFFERED": "1"}


@dataclass(frozen=True)
class Side:
    """One of the two sides of a comparison, over one transport.

    Attributes: the `module` whose processes do the work, and the line that they print when they are
    `ready`; the router's `url`; the `prefix` of the processes' procedures; a `client` of the same
    router, which calls these procedures.
    """

    module: str
    ready: str
    url: str
    prefix: str
    client: ConnectedClient

    def process(self, role: str) -> Process:
        """Return a process for a `role`, not started yet."""
        command = [sys.executable, "-m", self.module, role, self.url, self.prefix]
        return Process(command, self.ready)

    def call(self, name: str, *args: Any) -> Any:
        """Call a procedure of this side's processes."""
        return self.client.call(f"{self.prefix}.{name}", *args)


@dataclass(frozen=True)
class Pair:
    """wampapp and the peer that it is compared with."""

    name: str
    ours: Side
    peer: Side


@dataclass(frozen=True)
class Row:
    """A row of a table: a `label`, and the samples of both sides."""

    label: str
    ours: list[float]
    peer: list[float]

    def ratio(self, smaller_is_better: bool) -> float | None:
        """Return how many times better than the peer wampapp is, by the medians."""
        if not self.peer:
            return None
        ours, peer = median(self.ours), median(self.peer)
        return peer / ours if smaller_is_better else ours / peer


@dataclass(frozen=True)
class Table:
    """The result of a benchmark; `note` says how it was measured."""

    title: str
    note: str
    rows: list[Row]
    smaller_is_better: bool = False

    def text(self) -> str:
        """Return the table for people: medians, with the smallest and the largest sample."""
        width = max(len(row.label) for row in self.rows)
        lines = [self.title, self.note, ""]
        lines += [f"{'':{width}}  {'wampapp':>26}  {'the peer':>26}  {'ratio':>6}"]
        for row in self.rows:
            ratio = row.ratio(self.smaller_is_better)
            cells = f"{_figure(row.ours)}  {_figure(row.peer)}"
            lines.append(
                f"{row.label:{width}}  {cells}  {f'{ratio:.1f}x' if ratio else '':>6}".rstrip()
            )
        return "\n".join(lines)

    def markdown(self) -> str:
        """Return the table as Markdown."""
        beside = any(row.peer for row in self.rows)
        lines = ["| | wampapp | the peer | ratio |", "|---|---:|---:|---:|"]
        if not beside:
            lines = ["| | wampapp |", "|---|---:|"]
        for row in self.rows:
            ratio = row.ratio(self.smaller_is_better)
            cells = [row.label, _middle(row.ours)]
            if beside:
                cells += [_middle(row.peer), f"{ratio:.1f}" if ratio else ""]
            lines.append(f"| {' | '.join(cells)} |")
        return "\n".join(lines)

    def json(self) -> dict[str, Any]:
        """Return the table for programs, with every sample."""
        rows = [{**vars(row), "ratio": row.ratio(self.smaller_is_better)} for row in self.rows]
        return {"title": self.title, "note": self.note, "rows": rows}


def _middle(samples: list[float]) -> str:
    if not samples:
        return ""
    middle = median(samples)
    return f"{middle:,.0f}" if middle >= 100 else f"{middle:.3g}"


def _figure(samples: list[float]) -> str:
    if not samples:
        return " " * 26
    middle, low, high = median(samples), min(samples), max(samples)
    style = ",.0f" if middle >= 100 else ".3f"
    return f"{middle:>9{style}} {f'({low:{style}}-{high:{style}})':>16}"


def in_turns(
    cells: Mapping[Key, Callable[[], Sample]], rounds: int, what: str
) -> dict[Key, list[Sample]]:
    """Measure each of the `cells` once a round, and return their samples.

    Cells that are compared stand next to each other in `cells`, so that a machine that slows down
    affects both. Every other round runs backwards, so that neither always comes first.
    """
    samples: dict[Key, list[Sample]] = {key: [] for key in cells}
    for number in range(rounds):
        sys.stderr.write(f"{what}: round {number + 1} of {rounds}\n")
        for key in list(cells)[:: -1 if number % 2 else 1]:
            samples[key].append(cells[key]())
    return samples
