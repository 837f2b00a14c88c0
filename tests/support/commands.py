"""The peer's end of the protocol in `tests.support.peer`, for Autobahn on Twisted and asyncio."""

import json
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

import txaio
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import (
    CallOptions,
    CallResult,
    EventDetails,
    PublishOptions,
    RegisterOptions,
    SubscribeOptions,
)


def echo(*args: Any, **kwargs: Any) -> CallResult:
    return CallResult(*args, **kwargs)


def add(a: Any, b: Any) -> Any:
    return a + b


def fail(uri: str, *args: Any, **kwargs: Any) -> None:
    raise ApplicationError(uri, *args, **kwargs)


ENDPOINTS = {"echo": echo, "add": add, "fail": fail}


class Commands:
    """Carries out the commands from standard input on the session that joined last."""

    def __init__(self) -> None:
        # Standard output carries only the protocol: what Autobahn logs there goes to stderr.
        self._wire = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)
        self._session: Any = None

    def listen(self, call_in_loop: Callable[[Callable[[str], None], str], Any]) -> None:
        """Pass each line of standard input to the loop, and end the process where it ends."""

        def read() -> None:
            for line in sys.stdin:
                call_in_loop(self._handle, line)
            os._exit(0)

        threading.Thread(target=read, daemon=True).start()

    def joined(self, session: Any, number: int) -> None:
        self._session = session
        self._say(joined=number)

    def left(self, reason: str) -> None:
        self._say(left=reason)

    def _say(self, **message: Any) -> None:
        self._wire.write(json.dumps(message) + "\n")

    def _handle(self, line: str) -> None:
        command = json.loads(line)
        number = command.pop("id")

        def failed(failure: Any) -> None:
            error = failure.value
            if isinstance(error, ApplicationError):
                uri, args, kwargs = error.error, list(error.args), error.kwargs
            else:
                uri, args, kwargs = type(error).__name__, [str(error)], {}
            self._say(id=number, error={"uri": uri, "args": args, "kwargs": kwargs})

        answer = txaio.as_future(getattr(self, "_" + command.pop("do")), **command)
        txaio.add_callbacks(answer, lambda result: self._say(id=number, result=result), failed)

    def _then(self, future: Any, convert: Callable[[Any], Any]) -> Any:
        done = txaio.create_future()
        txaio.add_callbacks(
            future,
            lambda value: txaio.resolve(done, convert(value)),
            lambda failure: txaio.reject(done, failure),
        )
        return done

    def _register(self, uri: str, endpoint: str, options: dict[str, Any]) -> Any:
        options_ = RegisterOptions(**options)
        future = self._session.register(ENDPOINTS[endpoint], uri, options=options_)
        return self._then(future, lambda registration: registration.id)

    def _subscribe(self, uri: str, options: dict[str, Any]) -> Any:
        def handler(*args: Any, wamp_details: EventDetails, **kwargs: Any) -> None:
            event = {
                "topic": wamp_details.topic or uri,
                "args": args,
                "kwargs": kwargs,
                "publication": wamp_details.publication,
                "publisher": wamp_details.publisher,
            }
            self._say(event=event)

        options_ = SubscribeOptions(details_arg="wamp_details", **options)
        future = self._session.subscribe(handler, uri, options=options_)
        return self._then(future, lambda subscription: subscription.id)

    def _call(
        self, uri: str, args: Any = (), kwargs: Any = None, options: dict[str, Any] | None = None
    ) -> Any:
        def convert(value: Any) -> dict[str, Any]:
            if isinstance(value, CallResult):
                return {"args": list(value.results), "kwargs": value.kwresults or {}}
            return {"args": [value], "kwargs": {}}

        options_ = CallOptions(**(options or {}))
        future = self._session.call(uri, *args, options=options_, **(kwargs or {}))
        return self._then(future, convert)

    def _publish(
        self, uri: str, args: Any = (), kwargs: Any = None, options: dict[str, Any] | None = None
    ) -> Any:
        options_ = PublishOptions(acknowledge=True, **(options or {}))
        future = self._session.publish(uri, *args, options=options_, **(kwargs or {}))
        return self._then(future, lambda publication: publication.id)

    def _leave(self) -> None:
        self._session.leave()
