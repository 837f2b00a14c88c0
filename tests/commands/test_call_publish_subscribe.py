"""What the verbs of the command line do beyond one call, one event, one topic."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from tests.support.process import (
    DEADLINE,
    FULL_DISK,
    ROOT,
    EmbeddedRouter,
    Process,
    Wampapp,
    environment,
    onto_a_full_disk,
    run,
    serving,
    wampapp,
)
from tests.support.programs import program
from wampapp import ConnectedClient
from wampapp.crossbar import Crossbar

Router = EmbeddedRouter | Crossbar

SERVICE = program("call_publish_subscribe_service.py")


@pytest.fixture(scope="module")
def service(router: Router, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wampapp]:
    """A service of its own process on each router."""
    file = tmp_path_factory.mktemp("service") / "service.py"
    file.write_text(SERVICE)
    with serving(file, "--url", router.rs_url) as process:
        yield process


@pytest.fixture
def env(router: Router) -> dict[str, str]:
    """The environment in which commands join each of the routers."""
    return environment(WAMPAPP_URL=router.rs_url)


class Terminal:
    """A command at a pseudo-terminal, which has its standard input and error; output is a pipe."""

    def __init__(self, *words: str | Path, env: dict[str, str], stdout: bool = False) -> None:
        self._own, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "wampapp", *map(str, words)],
            cwd=ROOT,
            env=env,
            stdin=theirs,
            stdout=theirs if stdout else subprocess.PIPE,
            stderr=theirs,
            text=True,
            start_new_session=True,
        )
        os.close(theirs)
        self._news = threading.Condition()
        self.shown = ""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        try:
            while data := os.read(self._own, 4096):
                with self._news:
                    self.shown += data.decode()
                    self._news.notify_all()
        except OSError:
            pass  # the other end is closed

    def until(self, pattern: str) -> None:
        with self._news:
            found = self._news.wait_for(lambda: re.search(pattern, self.shown), DEADLINE)
        assert found, f"{pattern!r} was never shown, but {self.shown!r}"

    def interrupt(self) -> None:
        os.killpg(self._process.pid, signal.SIGINT)

    def end(self) -> tuple[int, str]:
        """Wait for the end; return the exit code and what went to standard output."""
        output, _ = self._process.communicate(timeout=DEADLINE)
        self._reader.join(DEADLINE)
        return self._process.returncode, output or ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self.end()
        os.close(self._own)


# call --stream


@pytest.mark.both_routers
def test_stream_prints_each_result_and_the_last_one(service: Wampapp, env: dict[str, str]) -> None:
    done = wampapp("call", "com.verbs.numbers", "3", "--stream", env=env)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n1\n2\n", "")
    done = wampapp("call", "com.verbs.parts", "--stream", env=env)
    last = {"args": [1, 2], "kwargs": {"key": "ß 🎈"}}
    assert [json.loads(line) for line in done.stdout.splitlines()] == [1, last]
    done = wampapp("call", "com.verbs.add", "1", "2", "--stream", env=env)
    assert (done.returncode, done.stdout) == (0, "3\n")


def test_stream_prints_a_result_before_the_next_one_comes(
    service: Wampapp, env: dict[str, str]
) -> None:
    cancelled = service.text.count("endless was cancelled")
    with Wampapp("call", "com.verbs.endless", "--stream", env=env, terminal=True) as call:
        call.until('^"begun"$')
        assert call.stop(signal.SIGINT) == 130
        assert call.stdout == ['"begun"']
        assert [line for line in call.stderr if line] == ["Interrupted."]
    times(service, "endless was cancelled", cancelled + 1)


@pytest.mark.both_routers
def test_count_ends_a_stream_and_cancels_the_call(service: Wampapp, env: dict[str, str]) -> None:
    cancelled = service.text.count("endless was cancelled")
    done = wampapp("call", "com.verbs.endless", "--stream", "--count", "1", env=env)
    assert (done.returncode, done.stdout, done.stderr) == (0, '"begun"\n', "")
    times(service, "endless was cancelled", cancelled + 1)
    done = wampapp("call", "com.verbs.numbers", "2", "--stream", "--count", "5", env=env)
    assert (done.returncode, done.stdout) == (0, "0\n1\n")


def times(service: Wampapp, line: str, count: int) -> None:
    """Wait until a service has printed a line so often."""
    with service._news:
        assert service._news.wait_for(lambda: service.stderr.count(line) >= count, DEADLINE)


def test_the_timeout_of_a_stream_is_for_each_result(service: Wampapp, env: dict[str, str]) -> None:
    done = wampapp("call", "com.verbs.endless", "--stream", "--timeout", "1.5", env=env)
    assert (done.returncode, done.stdout) == (5, '"begun"\n')
    assert done.stderr.startswith("Error: wamp.error.timeout: No result from com.verbs.endless")


def test_a_closed_pipe_ends_a_stream_quietly(service: Wampapp, env: dict[str, str]) -> None:
    call = f"{sys.executable} -m wampapp call com.verbs.numbers 100000 --stream"
    done = subprocess.run(
        ["bash", "-c", f"{call} | head -1; echo ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        env=env,
        cwd=ROOT,
        timeout=DEADLINE,
    )
    assert (done.stdout, done.stderr) == ("0\n1\n", "")


# call --repeat and --rate


def test_repeat_prints_a_summary_alone(service: Wampapp, env: dict[str, str]) -> None:
    words = ("call", "com.verbs.add", "1", "2", "--repeat", "200")
    done = wampapp(*words, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(
        r"calls +200\n"
        r"failed +0\n"
        r"seconds +[\d.]+\n"
        r"calls/s +[\d.,]+\n"
        r"min ms +[\d.]+\n"
        r"median ms +[\d.]+\n"
        r"p95 ms +[\d.]+\n"
        r"p99 ms +[\d.]+\n"
        r"max ms +[\d.]+\n",
        done.stdout,
    ), done.stdout
    assert len({len(line) for line in done.stdout.splitlines()}) == 1
    done = wampapp(*words, "--json", "--concurrency", "16", env=env)
    summary = json.loads(done.stdout)
    assert (summary["calls"], summary["failed"], summary["errors"]) == (200, 0, {})
    assert summary["calls_per_second"] == pytest.approx(200 / summary["seconds"], rel=1e-3)
    latency = summary["latency_ms"]
    assert list(latency) == ["min", "median", "p95", "p99", "max"]
    assert 0 < latency["min"] <= latency["median"] <= latency["p95"] <= latency["p99"]
    assert latency["p99"] <= latency["max"] <= summary["seconds"] * 1000


def test_all_calls_are_made_though_some_fail(service: Wampapp, env: dict[str, str]) -> None:
    done = wampapp("call", "com.verbs.sometimes", "--repeat", "30", env=env)
    assert done.returncode == 5
    assert done.stderr == "Error: 10 of 30 calls failed.\n"
    rows = [line.split() for line in done.stdout.splitlines()]
    assert rows[:3] == [["calls", "30"], ["failed", "10"], ["com.verbs.odd", "10"]]
    done = wampapp("call", "com.verbs.hang", "--repeat", "2", "--timeout", "0.1", env=env)
    assert done.returncode == 5
    assert ["wamp.error.timeout", "2"] in [line.split() for line in done.stdout.splitlines()]


def test_at_a_rate_a_wait_for_the_others_counts(service: Wampapp, env: dict[str, str]) -> None:
    """One slow call does not hide what it does to those that should have been made meanwhile."""
    medians = []
    for rate in ([], ["--rate", "1000"]):
        wampapp("call", "com.verbs.forget", env=env)
        words = ("--repeat", "20", "--concurrency", "1", "--json")
        done = wampapp("call", "com.verbs.stall", *words, *rate, env=env)
        medians.append(json.loads(done.stdout)["latency_ms"]["median"])
    one_after_the_other, at_a_rate = medians
    assert at_a_rate > 450
    assert one_after_the_other < 250


@pytest.mark.both_routers
def test_at_a_rate_calls_do_not_wait_for_one_another(service: Wampapp, env: dict[str, str]) -> None:
    """The loop is open: all are under way while none is answered."""
    before = service.stderr.count("hang was called")
    words = ("com.verbs.hang", "--rate", "200", "--repeat", "20")
    with Wampapp("call", *words, env=env, terminal=True) as call:
        times(service, "hang was called", before + 20)
        assert call.stop(signal.SIGINT) == 130
    times(service, "hang was cancelled", before + 20)
    assert call.stdout == []


def test_a_rate_is_kept(service: Wampapp, env: dict[str, str]) -> None:
    words = ("com.verbs.add", "1", "2", "--rate", "100", "--repeat", "31", "--json")
    summary = json.loads(wampapp("call", *words, env=env).stdout)
    assert summary["seconds"] >= 0.29  # the last one goes out 30 hundredths after the first


def test_ctrl_c_prints_the_summary_so_far(service: Wampapp, env: dict[str, str]) -> None:
    with Terminal("call", "com.verbs.add", "1", "2", "--rate", "500", env=env) as call:
        call.until(r"\d+ calls  [\d,]+/s")
        call.interrupt()
        code, output = call.end()
        assert code == 130
        rows = {line.split()[0]: line.split()[-1] for line in output.splitlines()}
        assert int(rows["calls"].replace(",", "")) > 0
        assert rows["failed"] == "0"
        assert call.shown.rstrip().endswith("Interrupted.")


def test_the_bar_is_on_a_terminal_alone_and_goes(service: Wampapp, env: dict[str, str]) -> None:
    words = ("call", "com.verbs.add", "1", "2", "--rate", "100", "--repeat", "60")
    with Terminal(*words, env=env, stdout=True) as call:
        call.until(r"\r\[#+-+\] +\d+%  \d+ calls  \d+/s")
        code, _ = call.end()
        assert code == 0
        bar, summary = call.shown.rsplit("\r\x1b[2mcalls", 1)
        assert bar.rpartition("\r")[2].strip() == ""
        assert "calls" not in summary.replace("calls/s", "")


def test_a_router_that_goes_ends_a_measurement_with_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(SERVICE)
    with EmbeddedRouter() as router:
        env = environment(WAMPAPP_URL=router.rs_url)
        with Wampapp("run", tmp_path / "service.py", env=env) as service:
            service.until("Press Ctrl-C")
            with Terminal("call", "com.verbs.add", "1", "2", "--rate", "500", env=env) as call:
                call.until(r"\d+ calls  [\d,]+/s")
                assert router.stop(signal.SIGKILL) == -signal.SIGKILL
                code, output = call.end()
                assert code == 3
                assert output.startswith("calls ")
                assert "Error: The connection to the router broke" in call.shown
                assert service.stop() == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["call", "com.a", "--count", "3"], "--count ends a --stream"),
        (["call", "com.a", "--concurrency", "3"], "--concurrency is for many calls"),
        (["call", "com.a", "--stream", "--repeat", "3"], "--stream is one call"),
        (["call", "com.a", "--repeat", "0"], "--repeat"),
        (["call", "com.a", "--rate", "0"], "--rate"),
        (["call", "com.a", "--rate", "often"], "--rate"),
        (["call", "com.a", "--rate", "nan"], "--rate"),
        (["call", "com.a", "--rate", "inf"], "--rate"),
        (["publish", "com.a", "1", "--from-file", "-"], "--from-file has the events"),
        (["publish", "com.a", "--repeat", "2", "--from-file", "-"], "--from-file has the events"),
        (["publish", "com.a", "--from-file", "missing"], "Error: missing cannot be read: No such"),
        (["publish", "com.a", "--from-file", "/"], "Error: / cannot be read: Is a directory"),
        (["subscribe", "com.a", "--match", "fuzzy"], "--match"),
        (["subscribe", "com. a", "--match", "prefix"], "is not a valid URI"),
        (["subscribe", "..", "--match", "wildcard"], "would match everything"),
        (["subscribe", "com.a", "--count", "0"], "--count"),
    ],
    ids=repr,
)
def test_a_mistake_in_usage_exits_2(
    embedded: EmbeddedRouter, words: list[str], sentence: str
) -> None:
    done = wampapp(*words, env=environment(WAMPAPP_URL=embedded.rs_url))
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


# publish


def test_each_line_of_a_file_is_an_event(
    router: Router, peer: ConnectedClient, env: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    lines = [
        '[1, "zwei 🎈"]',
        "",
        '{"key": [1]}',
        "  5  ",
        '{"args": [1], "kwargs": {"k": null}}\r',
        '{"args": 5}',
        "[]",
        '"last"',
    ]
    file.write_text("\n".join(lines), newline="")
    heard: list[Any] = []
    over = threading.Event()

    def hear(*args: Any, **kwargs: Any) -> None:
        heard.append((list(args), kwargs))
        if args == ("last",):
            over.set()

    peer.subscribe("com.verbs.lines", hear)
    done = wampapp("publish", "com.verbs.lines", "--from-file", file, env=env)
    assert (done.returncode, done.stdout) == (0, "")
    assert re.fullmatch(r"Published 7 events in \d+\.\d\d s \([\d,]+/s\)\.\n", done.stderr)
    assert over.wait(DEADLINE)
    assert heard == [
        ([1, "zwei 🎈"], {}),
        ([], {"key": [1]}),
        ([5], {}),
        ([1], {"k": None}),
        ([], {"args": 5}),
        ([], {}),
        (["last"], {}),
    ]


@pytest.mark.both_routers
def test_many_events_keep_their_order(
    router: Router, peer: ConnectedClient, env: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("".join(f"{number}\n" for number in range(5000)))
    heard: list[int] = []
    over = threading.Event()

    def hear(number: int) -> None:
        heard.append(number)
        if number == 4999:
            over.set()

    peer.subscribe("com.verbs.many", hear)
    done = wampapp("publish", "com.verbs.many", "--from-file", file, env=env)
    assert done.returncode == 0
    assert done.stderr.startswith("Published 5,000 events in ")
    assert over.wait(DEADLINE)
    assert heard == list(range(5000))


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b"oops", "is not JSON: invalid character (byte 0)."),
        (b"[1,", "is not JSON: Input data was truncated."),
        (b"\xff", "is not JSON: "),
        (b"NaN", "is not JSON: "),
        (b'{"args": 1, "kwargs": {}}', ': "args" has to be an array, and "kwargs" an object.'),
        (b"[" * 300 + b"]" * 300, "is nested too deeply."),
        (b"[" * 100_000 + b"]" * 100_000, "is nested too deeply."),
        (b'"' + b"x" * 2**24 + b'"', "is larger than 16 MiB."),
        (b'"' + b"x" * (2**24 - 20) + b'"', ": The message has 167772"),
    ],
    ids=["word", "cut", "bytes", "nan", "both", "deep", "deeper", "large", "message"],
)
def test_a_bad_line_is_named_and_those_before_it_are_published(
    embedded: EmbeddedRouter, tmp_path: Path, line: bytes, sentence: str
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"1\n\n2\n" + line + b"\n3\n")
    words = ("publish", "com.verbs.bad", "--from-file", file, "--url", embedded.rs_url)
    done = wampapp(*words)
    assert (done.returncode, done.stdout) == (2, "")
    published, error = done.stderr.splitlines()
    assert published.startswith("Published 2 events in ")
    assert error.startswith(f"Error: {file}, line 4")
    assert sentence in error


def test_a_pipe_is_published_as_it_comes(
    router: Router, peer: ConnectedClient, env: dict[str, str]
) -> None:
    heard: list[Any] = []
    news = threading.Semaphore(0)

    def hear(value: Any) -> None:
        heard.append(value)
        news.release()

    peer.subscribe("com.verbs.pipe", hear)
    with subprocess.Popen(
        [sys.executable, "-m", "wampapp", "publish", "com.verbs.pipe", "--from-file", "-"],
        cwd=ROOT,
        env=env,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        for number in range(3):
            process.stdin.write(b"%d\n" % number)
            process.stdin.flush()
            assert news.acquire(timeout=DEADLINE)  # the next line has yet to be written
        _, told = process.communicate(b'"cut', timeout=DEADLINE)
        assert heard == [0, 1, 2]
        assert process.returncode == 2
        assert told.endswith(
            b"Error: standard input, line 4 is not JSON: Input data was truncated.\n"
        )


def test_no_standard_input_is_told(embedded: EmbeddedRouter) -> None:
    words = f"publish com.a --from-file - --url {embedded.rs_url} <&-"
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m wampapp {words}"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
        timeout=DEADLINE,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: There is no standard input to read.\n"


@pytest.mark.both_routers
def test_a_refused_event_ends_it(env: dict[str, str]) -> None:
    done = wampapp("publish", "wamp.reserved", "--repeat", "3", env=env)
    assert (done.returncode, done.stdout) == (5, "")
    published, error = done.stderr.splitlines()
    assert published.startswith("Published 0 events in ")
    assert error.startswith("Error: wamp.error.")


def test_publishing_again_and_again_until_ctrl_c(
    router: Router, peer: ConnectedClient, env: dict[str, str]
) -> None:
    done = wampapp("publish", "com.verbs.again", "5", "--repeat", "3", env=env)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("Published 3 events in ")
    heard = threading.Semaphore(0)
    peer.subscribe("com.verbs.again", lambda _: heard.release())
    with Terminal("publish", "com.verbs.again", "5", "--rate", "100", env=env) as publish:
        publish.until(r"\d+ events  \d+/s")
        publish.interrupt()
        assert publish.end() == (130, "")
        assert heard.acquire(timeout=DEADLINE)
        assert re.search(r"\rPublished \d+ events in .*Interrupted\.\s*$", publish.shown, re.DOTALL)


def test_the_bar_of_a_file_shows_how_much_was_read(
    embedded: EmbeddedRouter, tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("".join(f"{number}\n" for number in range(50)))
    env = environment(WAMPAPP_URL=embedded.rs_url)
    with Terminal(
        "publish", "com.verbs.bar", "--from-file", file, "--rate", "100", env=env
    ) as publish:
        publish.until(r"\r\[#{24}\] 100%  \d+ events  \d+/s")
        assert publish.end() == (0, "")
        assert re.search(r"\rPublished 50 events in [\d.]+ s \(\d+/s\)\.\r\n$", publish.shown)


# subscribe


def test_count_ends_a_subscription(
    router: Router, peer: ConnectedClient, env: dict[str, str]
) -> None:
    with Wampapp("subscribe", "com.verbs.two", "--count", "2", "--json", env=env) as subscriber:
        subscriber.until("Subscribed to com.verbs.two")
        peer.publish("com.verbs.two", 1, event="Grüße 🎈")
        peer.publish("com.verbs.two", 2)
        peer.publish("com.verbs.two", 3)
        assert subscriber.wait() == 0
    first, second = map(json.loads, subscriber.stdout)
    assert list(first) == ["topic", "args", "kwargs", "publication", "publisher", "retained"]
    assert first["topic"] == "com.verbs.two"
    assert (first["args"], first["kwargs"]) == ([1], {"event": "Grüße 🎈"})
    assert (second["args"], second["kwargs"], second["retained"]) == ([2], {}, False)
    assert isinstance(first["publication"], int)
    assert first["publication"] != second["publication"]
    assert first["publisher"] is None or isinstance(first["publisher"], int)


@pytest.mark.both_routers
@pytest.mark.parametrize(
    ("match", "pattern"), [("prefix", "com.verbs.match"), ("wildcard", "com.verbs..match")]
)
def test_several_topics_are_told_apart(
    router: Router, peer: ConnectedClient, env: dict[str, str], match: str, pattern: str
) -> None:
    topics = {
        "prefix": ["com.verbs.match.one", "com.verbs.matched"],
        "wildcard": ["com.verbs.one.match", "com.verbs.two.match"],
    }[match]
    words = ("subscribe", pattern, "--match", match, "--count", "3")
    with Wampapp(*words, env=env) as subscriber:
        subscriber.until("Subscribed")
        for topic in ("com.verbs.other.topic", *topics):
            peer.publish(topic, 1, k=2)
        peer.publish(topics[0])
        assert subscriber.wait() == 0
    assert subscriber.stdout == [*(f"{topic} 1 k=2" for topic in topics), topics[0]]


@pytest.mark.both_routers
def test_the_event_that_the_router_kept(
    router: Router, peer: ConnectedClient, env: dict[str, str]
) -> None:
    topic = f"com.verbs.kept{os.getpid()}"
    assert wampapp("publish", topic, "77", "--retain", env=env).returncode == 0
    done = wampapp("subscribe", topic, "--get-retained", "--count", "1", "--json", env=env)
    assert done.returncode == 0
    event = json.loads(done.stdout)
    assert (event["args"], event["retained"]) == ([77], True)
    with Wampapp("subscribe", topic, "--count", "1", env=env) as subscriber:
        subscriber.until("Subscribed")
        peer.publish(topic, 78)
        assert subscriber.wait() == 0
    assert subscriber.stdout == ["78"]


# flask wamp

SITE = program("call_publish_subscribe_site.py")


def test_flask_wamp_has_the_same_options(service: Wampapp, router: Router, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(SITE)
    env = environment(FLASK_WAMP_URL=router.rs_url, FLASK_WAMP_PREFIX="com.verbs")

    def flask(*words: str) -> list[str]:
        return [sys.executable, "-m", "flask", "wamp", *words]

    done = run(*flask("call", ".add", "1", "2", "--repeat", "5", "--json"), cwd=tmp_path, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["calls"] == 5
    done = run(*flask("call", ".sometimes", "--repeat", "3"), cwd=tmp_path, env=env)
    assert (done.returncode, done.stderr) == (5, "Error: 1 of 3 calls failed.\n")
    words = flask("subscribe", ".flask", "--match", "prefix", "--count", "1")
    with Process(*words, cwd=tmp_path, env=env) as subscriber:
        subscriber.until("Subscribed to com.verbs.flask;")
        done = run(*flask("publish", ".flask.one", "5", "--repeat", "2"), cwd=tmp_path, env=env)
        assert done.stderr.startswith("Published 2 events in ")
        assert subscriber.wait() == 0
    assert subscriber.stdout == ["com.verbs.flask.one 5"]
    words = flask("call", ".endless", "--stream")
    with Process(*words, cwd=tmp_path, env=env, terminal=True) as call:
        call.until('^"begun"$')
        assert call.stop(signal.SIGINT) == 130
    assert call.stderr == ["Interrupted."]


# What cannot be written


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    "words",
    [
        ("call", "com.verbs.add", "1", "2", "--repeat", "3"),
        ("call", "com.verbs.numbers", "3", "--stream"),
        ("subscribe", "com.verbs.full", "--get-retained"),
    ],
    ids=repr,
)
def test_a_full_disk_is_told(
    service: Wampapp, peer: ConnectedClient, env: dict[str, str], words: tuple[str, ...]
) -> None:
    peer.topic("com.verbs.full", retain=True).publish(1)
    code, said = onto_a_full_disk(*words, env=env)
    assert code == 1
    assert said.endswith(FULL_DISK)


def test_without_standard_error_it_goes_on(service: Wampapp, env: dict[str, str]) -> None:
    done = subprocess.run(
        [
            "bash",
            "-c",
            f"{sys.executable} -m wampapp call com.verbs.add 1 2 --repeat 3 --json 2>&-",
        ],
        stdout=subprocess.PIPE,
        text=True,
        env=env,
        cwd=ROOT,
        timeout=DEADLINE,
    )
    assert (done.returncode, json.loads(done.stdout)["calls"]) == (0, 3)
