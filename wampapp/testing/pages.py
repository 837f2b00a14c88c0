"""A browser for tests: asks for an app's web pages without a port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from werkzeug.test import Client

from wampapp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wampapp.testing.harness import Harness


def browser_of(harness: Harness) -> Client:
    """Return werkzeug's test client of the pages of the app under test; it keeps cookies.

    An exception that a view raises, and nobody handles, is raised where the page was asked for.

    Args:
        harness: the running apps.

    Raises:
        UsageError: no app, or more than one, has pages.
    """
    sites = [site for site in harness.sites if site is not None]
    if len(sites) != 1:
        which = "None of the apps has web pages" if not sites else "Several apps have web pages"
        raise UsageError(f"{which}; test an app that has some, by itself.")
    return Client(_wsgi(sites[0], harness))


def _wsgi(site: Any, harness: Harness) -> Callable[..., Iterable[bytes]]:
    """Return an ASGI app as a WSGI app, which runs it on the loop of the apps under test."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        received = iter([{"type": "http.request", "body": body}])
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return next(received, {"type": "http.disconnect"})

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        before = len(harness.page_failures)
        harness.runtime.call(site(_scope_of(environ), receive, send))
        failures = harness.page_failures[before:]
        start, *parts = sent
        if failures and start["status"] == 500:
            raise failures[-1]
        headers = [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]
        ]
        start_response(f"{start['status']} ", headers)
        return [b"".join(part.get("body", b"") for part in parts)]

    return app


def _scope_of(environ: dict[str, Any]) -> dict[str, Any]:
    """Return a request as the ASGI specification has it."""
    headers = [
        (name[5:].replace("_", "-").lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in environ.items()
        if name.startswith("HTTP_")
    ]
    headers += [
        (name.replace("_", "-").lower().encode(), environ[name].encode("latin-1"))
        for name in ("CONTENT_TYPE", "CONTENT_LENGTH")
        if environ.get(name)
    ]
    path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": environ["REQUEST_METHOD"],
        "scheme": environ["wsgi.url_scheme"],
        "path": path,
        "raw_path": path.encode(),
        "query_string": environ.get("QUERY_STRING", "").encode("latin-1"),
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": (environ["SERVER_NAME"], int(environ["SERVER_PORT"])),
        "state": {},
    }
