"""How a service ends, and what happens to those that waited for it."""

import asyncio
import os
import re
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

import wampapp
from tests.support.process import EmbeddedRouter, Process, Wampapp
from tests.support.programs import program
from wampapp.crossbar import Crossbar
from wampapp.loop.runtime import get_runtime

DEADLINE = 60.0  # seconds
Router = EmbeddedRouter | Crossbar

SERVICE = program("stopping_service.py")


@pytest.fixture
def script(tmp_path: Path) -> Path:
    file = tmp_path / "stopping.py"
    file.write_text(SERVICE)
    return file


class Call:
    """A call that runs in a thread of its own."""

    def __init__(self, url: str, procedure: str) -> None:
        self.outcome: Any = None

        def run() -> None:
            with wampapp.connect(url, timeout=DEADLINE) as client:
                try:
                    self.outcome = client.call(procedure)
                except wampapp.WampappError as error:
                    self.outcome = error

        self._thread = threading.Thread(target=run)
        self._thread.start()

    def wait(self) -> Any:
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive()
        return self.outcome


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("procedure", ["wait", "wait_in_thread"])
def test_a_running_handler_may_finish(
    router: Router, script: Path, number: int, procedure: str
) -> None:
    with Wampapp("run", script, "--url", router.rs_url) as service:
        service.until("Press Ctrl-C")
        call = Call(router.rs_url, f"com.stop.{procedure}")
        service.until("waiting")
        service.send(number)
        service.until("Stopping")
        with wampapp.connect(router.rs_url, timeout=DEADLINE) as client:
            client.publish("com.stop.go")
        assert call.wait() == "released"
        assert service.wait() == 0
    assert "Traceback" not in service.text


def test_a_handler_may_call_and_publish_while_the_service_stops(
    router: Router, script: Path, tmp_path: Path
) -> None:
    (tmp_path / "other.py").write_text(
        "from wampapp import App\napp = App(prefix='com.other')\n"
        "@app.register\ndef echo(text): return text\n"
    )
    with (
        Wampapp("run", tmp_path / "other.py", "--url", router.rs_url) as other,
        Wampapp("run", script, "--url", router.rs_url) as service,
        wampapp.connect(router.rs_url, timeout=DEADLINE) as client,
    ):
        other.until("Press Ctrl-C")
        service.until("Press Ctrl-C")
        told = threading.Event()
        client.subscribe("com.stop.told", lambda _: told.set())
        call = Call(router.rs_url, "com.stop.tell_in_the_end")
        service.until("waiting to tell")
        service.send(signal.SIGINT)
        service.until("Stopping")
        client.publish("com.stop.go")
        assert call.wait() == "told"
        assert told.wait(DEADLINE)
        assert service.wait() == 0
        assert other.stop() == 0


def test_a_second_ctrl_c_exits_even_while_a_handler_blocks_the_loop(
    embedded: EmbeddedRouter, script: Path
) -> None:
    with Wampapp("run", script, "--url", embedded.rs_url) as service:
        service.until("Press Ctrl-C")
        call = Call(embedded.rs_url, "com.stop.block")
        service.until("blocking the loop")
        service.send(signal.SIGINT)
        # One that comes while the first still waits may be given to a thread that wakes nobody.
        until_taken(service.pid)
        for _ in range(20):  # when Python runs the handler of the first one, nothing says
            service.send_again(signal.SIGTERM)
            if service.has_ended:
                break
        assert service.wait() == 130
    assert isinstance(call.wait(), wampapp.Canceled)


def until_taken(process: int) -> None:
    """Wait until no signal waits to be delivered; where there is a /proc that tells."""
    status = Path(f"/proc/{process}/status")
    while status.exists() and re.search(
        r"^(SigPnd|ShdPnd):\s*0*[1-9a-f]", status.read_text(), re.MULTILINE
    ):
        pass


def test_while_it_stops_it_takes_no_new_call(router: Router, script: Path) -> None:
    with Wampapp("run", script, "--url", router.rs_url) as service:
        service.until("Press Ctrl-C")
        call = Call(router.rs_url, "com.stop.wait")
        service.until("waiting")
        with wampapp.connect(router.rs_url, timeout=DEADLINE) as client:
            assert client.call("com.stop.ping") == "pong"
            service.send(signal.SIGINT)
            service.until("no new calls|Stopping")
            for _ in range(1000):  # the router takes the procedures away in a moment
                try:
                    client.call("com.stop.ping")
                except wampapp.NoSuchProcedure:
                    break
            else:
                pytest.fail("the procedure never went away")
            client.publish("com.stop.go")
        assert call.wait() == "released"
        assert service.wait() == 0


def test_after_the_grace_time_a_coroutine_is_cancelled(
    embedded: EmbeddedRouter, tmp_path: Path
) -> None:
    file = tmp_path / "impatient.py"
    file.write_text(SERVICE.replace("grace=20", "grace=0.1"))
    with Wampapp("run", file, "--url", embedded.rs_url) as service:
        service.until("Press Ctrl-C")
        call = Call(embedded.rs_url, "com.stop.wait")
        service.until("waiting")
        assert service.stop() == 0
    assert isinstance(call.wait(), wampapp.Canceled)


def test_after_the_grace_time_a_thread_is_left_behind(
    embedded: EmbeddedRouter, tmp_path: Path
) -> None:
    file = tmp_path / "impatient.py"
    file.write_text(SERVICE.replace("grace=20", "grace=0.1"))
    with Wampapp("run", file, "--url", embedded.rs_url) as service:
        service.until("Press Ctrl-C")
        call = Call(embedded.rs_url, "com.stop.hang")
        service.until("hanging")
        assert service.stop() == 0
        service.until(r"com\.stop\.hang still runs after 0\.1 s of grace")
    assert isinstance(call.wait(), wampapp.Canceled)


def test_a_second_ctrl_c_exits_at_once(embedded: EmbeddedRouter, script: Path) -> None:
    with Wampapp("run", script, "--url", embedded.rs_url) as service:
        service.until("Press Ctrl-C")
        call = Call(embedded.rs_url, "com.stop.hang")
        service.until("hanging")
        service.send(signal.SIGINT)
        service.until("Stopping")
        service.send_again()
        assert service.wait() == 130
        assert "Stopped at once." in service.stderr
    assert isinstance(call.wait(), wampapp.Canceled)


def test_ctrl_c_while_no_router_answers(free_port: int, script: Path) -> None:
    with Wampapp("run", script, "--url", f"rs://127.0.0.1:{free_port}") as service:
        service.until("Trying again until a router answers")
        assert service.stop() == 0
    assert "Traceback" not in service.text


def test_ctrl_c_at_any_moment_of_the_start_leaves_no_traceback(
    free_port: int, script: Path
) -> None:
    for line in ("wampapp", "realm", "procedures", "Press"):
        with Wampapp("run", script, "--port", str(free_port)) as service:
            service.until(line)
            assert service.stop() == 0
        assert "Traceback" not in service.text


def test_a_killed_service_frees_its_procedures_at_once(router: Router, script: Path) -> None:
    for _ in range(3):
        with Wampapp("run", script, "--url", router.rs_url) as service:
            service.until("Press Ctrl-C")
            call = Call(router.rs_url, "com.stop.wait")
            service.until("waiting")
            os.kill(service.pid, signal.SIGKILL)
            assert service.wait() == -signal.SIGKILL
        assert isinstance(call.wait(), wampapp.WampError), call.outcome


def test_a_killed_router_ends_the_callers_wait(tmp_path: Path) -> None:
    script = tmp_path / "impatient.py"
    script.write_text(SERVICE.replace("grace=20", "grace=0.1"))
    with EmbeddedRouter() as router:
        with Wampapp("run", script, "--url", router.rs_url) as service:
            service.until("Press Ctrl-C")
            call = Call(router.rs_url, "com.stop.wait")
            service.until("waiting")
            os.kill(router.pid, signal.SIGKILL)
            assert isinstance(call.wait(), wampapp.ConnectionLost)
            service.until("The session ended: .* Coming back")
            assert service.stop() == 0


def test_a_service_comes_back_when_its_router_does(script: Path) -> None:
    with EmbeddedRouter() as first:
        service = Wampapp("run", script, "--url", first.rs_url)
        with service:
            service.until("Press Ctrl-C")
            assert first.stop() == 0
            service.until("the router shuts down")
            with EmbeddedRouter(first.port) as second:
                service.until("Joined again")
                with wampapp.connect(second.rs_url, timeout=DEADLINE) as client:
                    assert client.call("com.stop.ping") == "pong"
                assert service.stop() == 0
                assert second.stop() == 0


def test_a_stopping_router_tells_its_clients(script: Path) -> None:
    with EmbeddedRouter() as router, wampapp.connect(router.rs_url) as client:
        session = client._current().session
        assert session is not None
        assert router.stop(signal.SIGTERM) == 0

        async def ended() -> str:
            return await asyncio.shield(session.closed)

        assert get_runtime().call(ended()) == "the router shuts down"


def test_nothing_is_left_after_a_script(embedded: EmbeddedRouter, tmp_path: Path) -> None:
    import sys

    file = tmp_path / "script.py"
    file.write_text(
        "import threading, wampapp\n"
        f"with wampapp.connect({embedded.rs_url!r}) as client:\n"
        "    client.subscribe('com.script', print)\n"
        "    print(client.publish('com.script', 1) > 0)\n"
    )
    with Process(sys.executable, file) as script:
        assert script.wait() == 0
    assert (script.stdout, script.stderr) == (["True"], [])
