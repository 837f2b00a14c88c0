"""A service whose handler blocks the event loop until that is logged."""

import logging
import threading

from wampapp import App

app = App(prefix="com.example")
logged = threading.Event()


class Heard(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if "has blocked the event loop" in record.getMessage():
            logged.set()


logging.getLogger("wampapp").addHandler(Heard())


@app.register
async def report(seconds: float) -> bool:
    return logged.wait(seconds)
