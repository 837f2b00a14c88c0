"""`client.pages`: an app's web pages in tests, without a port."""

import io
from typing import Any

import pytest

from wampapp import App, UsageError
from wampapp.testing import TestRealm
from wampapp.web import Request, abort, redirect, session


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAMPAPP_SECRET_KEY", "a key for a test")


def shop(prefix: str = "com.shop") -> App:
    app = App(prefix=prefix)

    @app.register
    @app.route("/add", methods=["GET", "POST"])
    async def add(a: int, b: int = 1) -> int:
        return a + b

    @app.route("/")
    async def index() -> str:
        return f"<p>{await app.call('.add', 2, 3)}</p>"

    @app.route("/visits")
    def visits() -> str:
        session["n"] = session.get("n", 0) + 1
        return str(session["n"])

    @app.post("/upload")
    def upload(request: Request, note: str) -> str:
        return f"{note} {request.files['file'].filename}"

    @app.get("/away")
    def away() -> Any:
        return redirect("/visits")

    @app.get("/broken")
    def broken() -> str:
        raise ValueError("here")

    @app.get("/handled")
    def handled() -> str:
        raise KeyError

    @app.errorhandler(KeyError)
    def when_missing(_error: KeyError) -> tuple[str, int]:
        return "no such thing", 404

    @app.get("/gone")
    def gone() -> str:
        abort(410)

    return app


def test_pages_are_asked_for() -> None:
    with shop().test_client() as client:
        assert client.pages.get("/").text == "<p>5</p>"
        assert client.pages.get("/add?a=2").json == 3
        assert client.pages.post("/add", json={"a": 2, "b": 5}).json == 7
        assert client.pages.post("/add", data={"a": "2", "b": "5"}).json == 7
        answer = client.pages.get("/add?a=x")
        assert (answer.status_code, answer.text) == (422, "`a`: expected int, got str\n")
        file = {"file": (io.BytesIO(b"x"), "ü.txt"), "note": "ß"}
        assert client.pages.post("/upload", data=file).text == "ß ü.txt"
        assert client.pages.get("/nowhere").status_code == 404
        assert client.pages.head("/").text == ""
        assert client.call(".add", 1) == 2


def test_cookies_are_kept_by_each_browser() -> None:
    with shop().test_client() as client:
        assert [client.pages.get("/visits").text for _ in range(2)] == ["1", "2"]
        assert client.pages.get("/away", follow_redirects=True).text == "3"
        assert client.as_("ada").pages.get("/visits").text == "1"


def test_what_nobody_handles_is_raised() -> None:
    with shop().test_client() as client:
        with pytest.raises(ValueError, match="here"):
            client.pages.get("/broken")
        assert client.pages.get("/handled").text == "no such thing"
        assert client.pages.get("/gone").status_code == 410
        assert client.pages.get("/").status_code == 200


def test_a_stub_is_what_a_view_calls() -> None:
    with shop().test_client() as client:
        client.stub(".add", returns=99)
        assert client.pages.get("/").text == "<p>99</p>"


def test_which_pages_are_meant_must_be_clear() -> None:
    with App(prefix="com.other").test_client() as client:
        with pytest.raises(UsageError, match="None of the apps has web pages"):
            client.pages.get("/")
    with (
        TestRealm(shop(), shop("com.other")) as client,
        pytest.raises(UsageError, match="Several apps"),
    ):
        client.pages.get("/")
