"""The page that Prometheus asks for."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Protocol

from wampapp.components.telemetry.exposition import OPEN_METRICS, TEXT
from wampapp.config.url import is_loopback
from wampapp.errors import WampError
from wampapp.web import Request, Response

if TYPE_CHECKING:
    from wampapp.registry.blueprint import Blueprint

#: A proxy on this machine asks for others, and says so.
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip")


class _Telemetry(Protocol):
    """What collects, here or elsewhere."""

    metrics_token: str | None

    async def call(self, name: str, /, *args: Any) -> Any:
        """Call one of its procedures."""


def add_page(blueprint: Any, path: str) -> None:
    """Declare the page.

    Args:
        blueprint: the telemetry, which is a blueprint.
        path: where.
    """
    telemetry: _Telemetry = blueprint
    pages: Blueprint = blueprint

    async def metrics(request: Request) -> Response:
        """Return all numbers of all services, for Prometheus."""
        if (refusal := _refusal(request, telemetry.metrics_token)) is not None:
            return refusal
        # The kinds that a client takes, the one that it wants most first.
        accepted = request.headers.get("Accept", "")
        wants_open = "application/openmetrics-text" in accepted
        try:
            text = await telemetry.call("metrics", wants_open)
        except WampError as error:
            return _text(f"{error.message}\n", 503)
        return Response(text, content_type=OPEN_METRICS if wants_open else TEXT)

    pages.add_route(metrics, path, endpoint="wampapp_metrics")


def _refusal(request: Request, token: str | None) -> Response | None:
    if token is not None:
        given = request.headers.get("Authorization", "")
        if secrets.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return None
        response = _text("This page needs its bearer token.\n", 401)
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    address = request.remote_addr or ""
    is_ours = is_loopback(address) and not any(name in request.headers for name in _FORWARDED)
    if is_ours:
        return None
    return _text(
        "Only the machine itself may ask for this page; give it a token, with "
        "WAMPAPP_METRICS_TOKEN.\n",
        403,
    )


def _text(text: str, status: int) -> Response:
    return Response(text, status=status, content_type="text/plain; charset=utf-8")
