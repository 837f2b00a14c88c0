"""What a service shows of itself when it is up."""

import logging

import pytest

from tests.support.process import EmbeddedRouter
from tests.support.running import running
from wampapp import App
from wampapp.runner.banner import service_info, show_start


def shown(app: App, router: EmbeddedRouter, capsys: pytest.CaptureFixture[str]) -> list[str]:
    with running(app, router.rs_url) as service:
        show_start(service_info(app, service), as_json=False)
    return capsys.readouterr().err.splitlines()


def test_timers_are_listed(embedded: EmbeddedRouter, capsys: pytest.CaptureFixture[str]) -> None:
    app = App(prefix="com.banner")

    @app.every(0.5)
    async def beat() -> None:
        """Tell that we live.

        Twice a second.
        """

    @app.every(3600)
    def clean_up() -> None: ...

    lines = [line.rstrip() for line in shown(app, embedded, capsys)]
    name = clean_up.__qualname__
    width = len(f"{name} every 3600 s")
    assert (
        f"  timers      {f'{beat.__qualname__} every 0.5 s':<{width}}  Tell that we live." in lines
    )
    assert f"{' ' * 14}{name} every 3600 s" in lines


def test_of_many_the_first_are_listed(
    embedded: EmbeddedRouter, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    app = App(prefix="com.banner")
    for number in range(41):
        app.add_registration(lambda: None, f".p{number}")
    for number in range(40):
        app.add_subscription(lambda: None, f".t{number}")
    lines = shown(app, embedded, capsys)
    listed = [line.split()[-1] for line in lines if "com.banner." in line]
    assert listed == [f"com.banner.{name}()" for name in MANY]
    assert [line.strip() for line in lines if "more" in line] == [
        "and 1 more, which the command 'uris' lists"
    ]
    # The log is for programs, and has them all.
    with running(app, embedded.rs_url) as service, caplog.at_level(logging.INFO, "wampapp"):
        show_start(service_info(app, service), as_json=True)
    record = caplog.records[-1].__dict__
    assert (len(record["procedures"]), len(record["topics"]), record["timers"]) == (41, 40, [])


MANY = [*(f"p{number}" for number in range(40)), *(f"t{number}" for number in range(40))]
