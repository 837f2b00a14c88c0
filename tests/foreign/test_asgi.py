"""An app inside a FastAPI or Starlette site, served by a real uvicorn."""

import asyncio
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.support.process import DEADLINE, EmbeddedRouter, Process, environment
from tests.support.programs import program
from wampapp import App, NotJoined, UsageError, connect
from wampapp.asgi import lifespan, unavailable
from wampapp.crossbar import Crossbar

FASTAPI = program("asgi_fastapi.py")
STARLETTE = program("asgi_starlette.py")
WITHOUT = program("asgi_without_router.py")


@contextmanager
def uvicorn(folder: Path, text: str, *options: str, **variables: str) -> Iterator[Process]:
    (folder / "webapp.py").write_text(text)
    with Process(
        *(sys.executable, "-m", "uvicorn", "webapp:site", "--port", "0", *options),
        cwd=folder,
        env=environment(**variables),
    ) as site:
        yield site


def get(site: Process, path: str, **headers: str) -> Any:
    port = site.until(r"Uvicorn running on http://127\.0\.0\.1:(\d+)")[1]
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    with urllib.request.urlopen(asked, timeout=DEADLINE) as answer:
        return json.load(answer)


@pytest.mark.parametrize(
    "loop",
    [
        "asyncio",
        pytest.param(
            "uvloop",
            marks=pytest.mark.skipif(not find_spec("uvloop"), reason="uvloop is not installed"),
        ),
    ],
)
@pytest.mark.parametrize("text", [FASTAPI, STARLETTE], ids=["fastapi", "starlette"])
def test_the_app_runs_in_the_site_s_loop(
    tmp_path: Path, text: str, loop: str, router: EmbeddedRouter | Crossbar
) -> None:
    url = router.rs_url
    with uvicorn(tmp_path, text, "--loop", loop, WAMPAPP_URL=url) as site:
        assert get(site, "/sum") == 5
        with connect(url, timeout=DEADLINE) as client:
            assert client.call("com.asgi.add", 20, 3) == 23  # others call it just the same
        assert site.stop() == 0, site.text
    assert "Traceback" not in site.text


TRACED = f"""{FASTAPI}

from wampapp.observe.tracing import current_trace_id

@wamp.register
async def trace():
    return current_trace_id()

@site.get("/trace")
def traces(other: bool = False) -> list[str | None]:
    return [current_trace_id(), wamp.sync.call(".trace")]
"""


def test_a_request_s_trace_goes_on_in_services(tmp_path: Path, embedded: EmbeddedRouter) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    with uvicorn(tmp_path, TRACED, WAMPAPP_URL=embedded.rs_url) as site:
        assert get(site, "/trace", traceparent=f"00-{trace}-b7ad6b7169203331-01") == [trace] * 2
        one, two = get(site, "/trace"), get(site, "/trace")
        assert one != two
        assert len({*one, *two, trace}) == 3
        assert site.stop() == 0, site.text


def test_a_router_that_comes_later(tmp_path: Path, free_port: int) -> None:
    """The site starts without it, and the verbs wait for the session."""
    url = f"rs://127.0.0.1:{free_port}"
    with uvicorn(tmp_path, FASTAPI, WAMPAPP_URL=url) as site:
        site.until("com.asgi has not joined yet; the site starts without it")
        site.until("Uvicorn running")
        with EmbeddedRouter(free_port) as router:
            assert get(site, "/sum") == 5
            assert site.stop() == 0, site.text
            assert router.stop() == 0


def status(site: Process, path: str) -> tuple[int, str | None, object]:
    """Return the status, Retry-After and the body of an answer."""
    port = site.until(r"Uvicorn running on http://127\.0\.0\.1:(\d+)")[1]
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=DEADLINE) as answer:
            return answer.status, None, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Retry-After"], json.load(error)


def test_without_a_router_a_site_answers_503_as_flask_does(tmp_path: Path, free_port: int) -> None:
    unavailable = (503, "1", {"detail": "Service Unavailable"})
    with uvicorn(tmp_path, WITHOUT, WAMPAPP_URL=f"rs://127.0.0.1:{free_port}") as site:
        began = time.monotonic()
        assert status(site, "/sum") == unavailable
        assert time.monotonic() - began < 25  # the app's own rejoin_timeout is 30 s
        # More than five seconds after the start, no request waits for another five.
        began = time.monotonic()
        for _ in range(5):
            assert status(site, "/sum") == unavailable
            assert status(site, "/blocking") == unavailable
        assert time.monotonic() - began < 25
        code, _, body = status(site, "/own")
        assert code == 200
        assert "There has been no session with" in str(body)
        site.until("WAMP: There has been no session with")
        with EmbeddedRouter(free_port) as router, connect(router.rs_url) as client:
            client.register("com.other.add", lambda a, b: a + b)
            while (answer := status(site, "/sum")) == unavailable:
                pass
            assert answer == (200, None, 5)
            assert site.stop() == 0, site.text
    assert "Traceback" not in site.text


def test_a_websocket_is_closed_without_a_router() -> None:
    class Socket:
        scope: ClassVar = {"type": "websocket"}

        async def close(self, code: int, reason: str) -> None:
            closed.append((code, reason))

    closed: list[tuple[int, str]] = []
    assert asyncio.run(unavailable(Socket(), NotJoined("There is no session."))) is None
    assert closed == [(1013, "There is no session with the WAMP router.")]


OWN_HANDLER = """
from wampapp import SessionError

@site.exception_handler({error})
def sorry(request, error):
    return JSONResponse({{"sorry": getattr(error, "status_code", 0)}}, 503)
"""


@pytest.mark.parametrize(
    ("error", "says"), [("SessionError", 0), ("503", 503), ("HTTPException", 503)]
)
def test_the_site_s_own_handler_answers(
    tmp_path: Path, free_port: int, error: str, says: int
) -> None:
    text = WITHOUT + "from starlette.exceptions import HTTPException\n"
    text += OWN_HANDLER.format(error=error)
    with uvicorn(tmp_path, text, WAMPAPP_URL=f"rs://127.0.0.1:{free_port}") as site:
        assert status(site, "/sum") == (503, None, {"sorry": says})


def test_a_site_with_no_router_ends(tmp_path: Path, free_port: int) -> None:
    with uvicorn(tmp_path, STARLETTE, WAMPAPP_URL=f"rs://127.0.0.1:{free_port}") as site:
        site.until("Uvicorn running")
        assert site.stop() == 0, site.text
    assert "Traceback" not in site.text


def test_what_the_router_refuses_keeps_the_site_from_starting(
    tmp_path: Path, embedded: EmbeddedRouter
) -> None:
    with connect(embedded.rs_url, timeout=DEADLINE) as client:
        client.register("com.asgi.add", lambda: 0)
        patient = FASTAPI.replace("wait=0.2", f"wait={DEADLINE}")
        with uvicorn(tmp_path, patient, WAMPAPP_URL=embedded.rs_url) as site:
            assert site.wait() == 3
    assert "has registered 'com.asgi.add' already; stop that one" in site.text


def test_a_wait_that_is_none() -> None:
    with pytest.raises(UsageError, match="wait is 'soon'"):
        lifespan(App(), wait="soon")  # type: ignore[arg-type]
