"""An app with a bridge for those who speak HTTP."""

from collections.abc import Iterator
from typing import Any

from wampapp import App, CallResult, Invocation, WampError
from wampapp.web import bridge

app = App(prefix="com.shop")
app.mount("/rpc", bridge(app, statuses={"com.shop.error.sold_out": 409}, max_body=100_000))


@app.register
def add(a: int, b: int = 1) -> int:
    return a + b


@app.register
def several() -> CallResult:
    return CallResult(1, "zwei", three=3)


@app.register
def who(call: Invocation) -> list[Any]:
    return [call.caller_authid, call.caller_authrole]


@app.register
def named(**kwargs: Any) -> dict[str, Any]:
    return kwargs


@app.register
def fail(how: str) -> None:
    match how:
        case "sold":
            raise WampError("com.shop.error.sold_out", "no tea", left=0)
        case "app":
            raise WampError("com.shop.error.other")
        case "broken":
            raise ValueError("a secret of ours")


@app.register
def count(n: int) -> Iterator[int]:
    yield from range(n)


@app.register
async def announce(text: str) -> None:
    app.publish(".news", text)
    app.publish(".news", text, n=1)


heard: list[Any] = []


@app.subscribe(".told")
def on_told(*args: Any, **kwargs: Any) -> None:
    heard.append([args, kwargs])


@app.register
def told() -> list[Any]:
    return heard
