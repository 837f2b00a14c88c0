import os
import threading
import time

from wampapp import App

app = App(prefix="com.example", grace=20)
EVENTS = []
ready, go = threading.Event(), threading.Event()


@app.register
def version() -> int:
    return 1


@app.register
def pid() -> int:
    return os.getpid()


@app.register(invoke="single")
def lonely() -> int:
    return os.getpid()


@app.register("com.example.worker.<number>.events")
def seen(number: int) -> list[str]:
    return EVENTS


@app.register
def slow(seconds: float) -> str:
    app.log("slow has begun")
    time.sleep(seconds)
    return "done"


@app.subscribe
def news(text: str) -> None:
    app.log(f"news {text} for {os.getpid()}")


@app.subscribe(every_worker=True)
def everybody(text: str) -> None:
    app.log(f"everybody {text} for {os.getpid()}")


@app.on_startup
def begin() -> None:
    app.log(f"starts as {app.worker.number} of {app.worker.count}")
