"""The template process of isolated tasks, and the processes that are forked from it.

It is started by :class:`wampapp.components.tasks.isolation.Template`.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pickle
import resource
import signal
import socket
import sys
import threading
import traceback
from functools import reduce
from typing import TYPE_CHECKING, Any

import msgspec

from wampapp.components.tasks import tables
from wampapp.components.tasks.context import Task
from wampapp.components.tasks.definition import TaskFunction
from wampapp.components.tasks.isolation import LENGTH, Job, framed
from wampapp.observe.tracing import RUNNING, Origin
from wampapp.protocol.payload import to_plain
from wampapp.runner import script

if TYPE_CHECKING:
    from types import ModuleType


def main() -> None:
    """Import the module, then fork a process for each connection that comes."""
    descriptor, name, file = sys.argv[1:4]
    control = socket.socket(fileno=int(descriptor))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel forgets children that have ended
    try:
        module: ModuleType | BaseException = _import(name, file)
    except BaseException as error:  # noqa: BLE001 - each attempt is told
        module = error
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not data:
            return  # the worker has ended
        if os.fork() == 0:
            control.close()
            _serve(socket.socket(fileno=descriptors[0]), module)
            os._exit(0)
        os.close(descriptors[0])


def _import(name: str, file: str) -> ModuleType:
    with script.importing():
        if name != "__main__":
            try:
                return importlib.import_module(name)
            except ModuleNotFoundError as error:
                if error.name != name:
                    raise
        spec = importlib.util.spec_from_file_location("wampapp_isolated", file)
        if spec is None or spec.loader is None:
            raise ModuleNotFoundError(f"There is no module {name!r} in an isolated process.")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module


def _serve(connection: socket.socket, module: ModuleType | BaseException) -> None:
    """Run one attempt, and send what becomes of it."""
    lock = threading.Lock()

    def send(*message: Any) -> None:
        with lock:
            connection.sendall(framed(tables.encode(message)))

    send("pid", os.getpid())
    job = msgspec.msgpack.decode(_read(connection), type=Job)
    threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
    try:
        if isinstance(module, BaseException):
            raise module  # noqa: TRY301
        result = tables.encode(to_plain(_call(module, job, send)))
    except BaseException as error:  # noqa: BLE001 - the worker is told
        send("error", _pickled(error), _text(error))
    else:
        send("result", result)
    sys.stdout.flush()


def _call(module: ModuleType, job: Job, send: Any) -> Any:
    if job.memory is not None:
        resource.setrlimit(resource.RLIMIT_AS, (job.memory, job.memory))
    task = reduce(getattr, job.place.name.split("."), module)
    if not isinstance(task, TaskFunction):
        raise TypeError(f"{job.place.name} of {job.place.module} is not a task in a process.")
    number, name, attempt, failures, key = job.context
    origin = Origin(job.trace)
    RUNNING.set(origin)  # for the rest of this process
    context = Task(
        number, name, attempt, failures, key, lambda *told: send("progress", *told), origin
    )
    args, kwargs = tables.decode(job.payload)
    extras = None if task.binding.context is None else {task.binding.context: context}
    args, kwargs = task.binding.bind(args, kwargs, extras)
    return task.surrounded()(*args, **kwargs)


def _read(connection: socket.socket) -> bytes:
    def exactly(count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = connection.recv(count - len(data))
            if not part:
                os._exit(1)  # the worker has ended
            data += part
        return data

    (length,) = LENGTH.unpack(exactly(LENGTH.size))
    return exactly(length)


def _end_with(connection: socket.socket) -> None:
    """End this process with its worker, whatever that ended by."""
    try:
        connection.recv(1)
    finally:
        os._exit(1)


def _pickled(error: BaseException) -> bytes:
    # The traceback goes with it as a note: the process that it is of is gone then.
    error.add_note("".join(traceback.format_tb(error.__traceback__)).rstrip())
    try:
        return pickle.dumps(error)
    except Exception:  # noqa: BLE001 - an exception may hold anything
        return b""


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    main()
