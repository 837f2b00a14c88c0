"""An app of every kind of handler that uses nothing of Autobahn's; it prints what was imported."""

import sys

import wampapp
from wampapp import App, CallResult, Invocation, WampError

app = App(prefix="com.example")


class SoldOut(Exception):
    pass


app.define_error(SoldOut, ".sold_out")


@app.register
def add(a: int, b: int, call: Invocation) -> int:
    call.progress(a)
    return a + b


@app.register(".item.<number>", concurrency=2, run="loop")
def item(number: int) -> CallResult:
    return CallResult(number, options=1)


@app.register
async def fail(kind: str) -> None:
    raise {"defined": SoldOut("x"), "known": WampError("com.example.x"), "bug": KeyError("x")}[kind]


@app.subscribe("com.example.news", concurrency=2)
async def on_news(text: str) -> None:
    await app.publish(".heard", text, options={"plain": "value"})


with app.test_client() as client:
    heard = client.events("com.example.heard")
    assert client.call(".add", 2, 3) == 5
    assert client.call(".item.7") == CallResult(7, options=1)
    for kind, error in (("defined", SoldOut), ("known", WampError), ("bug", wampapp.HandlerFailed)):
        try:
            client.call(".fail", kind)
        except error:
            continue
        raise AssertionError(kind)
    try:
        client.call(".nowhere")
    except wampapp.NoSuchProcedure:
        client.publish(".news", "hello")
    assert heard.wait_for(1)[0].kwargs == {"options": {"plain": "value"}}

print(*sorted(name for name in sys.modules if name.split(".")[0] == "autobahn"))
