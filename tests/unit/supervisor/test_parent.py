"""What the parent of the worker processes shows of a service."""

import dataclasses
import logging

import pytest

from wampapp._version import __version__
from wampapp.config.records import Config
from wampapp.loop.runtime import get_runtime
from wampapp.runner.banner import Listing, ServiceInfo
from wampapp.runner.reach import Reach, find_router
from wampapp.runner.standalone import routing
from wampapp.supervisor.child import Child
from wampapp.supervisor.ended import ServiceEnded
from wampapp.supervisor.parent import Parent
from wampapp.supervisor.pipe import Start, Up

INFO = ServiceInfo(
    "com.example",
    "realm1",
    ("rs://router:9000",),
    "",
    None,
    Listing(
        ("com.example.add",), (("com.example.add(a: int, b: int) -> int", "Add two numbers."),)
    ),
)
UP = Up(INFO, ("com.example.lonely",), ())


class Shown(Parent):
    """A parent of which only the banner is looked at."""

    async def _work(self, children: list[Child]) -> None:
        raise NotImplementedError

    def show(self, router: Reach | None, count: int, *more: tuple[str, str]) -> None:
        self._router = router
        self._show_start(UP, count, *more)


def message(_: object) -> Start:
    raise NotImplementedError


def banner_of(
    capsys: pytest.CaptureFixture[str],
    router: Reach | None,
    count: int,
    *more: tuple[str, str],
) -> list[str]:
    Shown(message, {}, as_json=False).show(router, count, *more)
    return capsys.readouterr().err.splitlines()


def reach(config: Config) -> Reach:
    runtime = get_runtime()
    return runtime.call(find_router(config, runtime))


def test_the_banner_shows_the_router_that_the_service_joined(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert banner_of(capsys, None, 1, ("reloads", "when a file is saved")) == [
        f"wampapp {__version__}  com.example",
        "",
        "  router      rs://router:9000",
        "  realm       realm1",
        "  reloads     when a file is saved",
        "  procedures  com.example.add(a: int, b: int) -> int  Add two numbers.",
        "",
        "Press Ctrl-C to stop.",
        "",
    ]


def test_the_banner_of_workers_says_what_only_the_first_one_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert banner_of(capsys, None, 3)[4:6] == [
        "  workers     3; events and timers are for worker 1",
        "              com.example.lonely is single: only worker 1 registers it",
    ]


def test_the_banner_shows_both_urls_of_the_parent_s_own_router_and_a_warning_beyond_loopback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    router = reach(Config(port=0))
    try:
        assert router.address is not None
        assert banner_of(capsys, router, 1)[2:5] == [
            f"  router      {router.address.websocket_url}",
            f"              {router.address.rawsocket_url}",
            "  realm       realm1",
        ]
        exposed = dataclasses.replace(
            router, address=dataclasses.replace(router.address, host="0.0.0.0")
        )
        assert any("Warning: the router listens" in line for line in banner_of(capsys, exposed, 1))
    finally:
        get_runtime().call(router.close())


def test_the_banner_says_that_a_router_was_running_already(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with routing() as address:
        router = reach(Config(port=address.port))
        assert banner_of(capsys, router, 1)[2] == (
            "  router      rs://router:9000  (it was running already; joined it)"
        )


def test_as_json_it_is_a_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "wampapp"):
        Shown(message, {}, as_json=True).show(None, 2)
    (record,) = caplog.records
    assert record.getMessage() == "com.example is up"
    assert record.__dict__["procedures"] == ["com.example.add"]
    assert record.__dict__["router"] == "rs://router:9000"
    assert record.__dict__["timers"] == []


@pytest.mark.parametrize(
    ("code", "how"),
    [
        (0, "ended with exit code 0"),
        (7, "ended with exit code 7"),
        (-9, "was ended by SIGKILL"),
        (-99, "was ended by signal 99"),
    ],
)
def test_how_a_process_has_ended_is_put_in_words(code: int, how: str) -> None:
    assert ServiceEnded(code).how == how
