import multiprocessing
import os
import threading

from wampapp import App

app = App(prefix="com.example", grace=20)
go = threading.Event()


@app.register
def version() -> int:
    return 1


@app.register(force_reregister=True)
def pid() -> int:
    return os.getpid()


@app.register(invoke="single")
def lonely() -> int:
    return os.getpid()


@app.register
def fork() -> int:
    process = multiprocessing.get_context("fork").Process(target=go.wait, daemon=True)
    process.start()
    return process.pid


@app.register
def end() -> None:
    os._exit(0)


@app.register
def slow() -> None:
    app.log("slow has begun")
    go.wait()


@app.on_join
def say() -> None:
    print("has joined", flush=True)
