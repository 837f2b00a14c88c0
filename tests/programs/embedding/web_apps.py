"""What the programs with mounted web apps share."""

import asyncio
import urllib.request

from shared import make

from wampapp.web import request

SIZE = 5_000_000


def with_web_apps():
    app = make()

    async def view(scope, receive, send):
        if scope["type"] != "http":
            return
        assert asyncio.get_running_loop() is not None
        total = str(await app.call(".add", 2, 3)).encode()
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": total, "more_body": True})
        await send({"type": "http.response.body", "body": body})

    def old(environ, start_response):
        total = str(app.sync.call(".blocking", 2, 3)).encode()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [total, environ["wsgi.input"].read()]

    app.mount("/new", view)
    app.mount("/old", old)

    @app.post("/async-view")
    async def async_view():
        return str(await app.call(".add", 2, 3)).encode() + request.get_data()

    @app.post("/plain-view")
    def plain_view():
        return str(app.sync.call(".blocking", 2, 3)).encode() + request.get_data()

    @app.post("/async-stream")
    async def async_stream():
        yield str(await app.call(".add", 2, 3))
        yield request.get_data()

    @app.post("/plain-stream")
    def plain_stream():
        yield str(app.sync.call(".blocking", 2, 3))
        yield request.get_data()

    return app


def visit(port):
    views = ("/async-view", "/plain-view", "/async-stream", "/plain-stream")
    for path in ("/new", "/old", *views):
        for body in (b"", b"x" * SIZE):
            url = f"http://127.0.0.1:{port}{path}"
            with urllib.request.urlopen(urllib.request.Request(url, body), timeout=40) as answer:
                assert answer.read() == b"5" + body
