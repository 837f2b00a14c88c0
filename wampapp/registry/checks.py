"""What is checked when something is declared, so that the traceback shows the user's line."""

from __future__ import annotations

import contextlib
import inspect
from typing import TYPE_CHECKING, Any, get_args

from wampapp.config.records import check_seconds
from wampapp.errors import InvalidHandler, InvalidUri, UsageError
from wampapp.registry import autobahn_options
from wampapp.registry.annotations import signature_of
from wampapp.registry.endpoint import kind_of
from wampapp.registry.options import unknown_option
from wampapp.registry.page_request import PageRequest
from wampapp.registry.records import Invoke, RunIn, Subscription, name_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.registry.records import Registration


def is_handler(value: object) -> bool:
    """Return whether a decorator got its function: ``@app.register``, not ``@app.register("uri")``.

    Raises:
        InvalidUri: it got neither a function nor a URI.
    """
    if value is None or isinstance(value, str):
        return False
    if callable(value) or isinstance(value, classmethod):
        return True
    raise InvalidUri(f"{value!r} is neither a URI nor a function; write @app.register('a.uri').")


def check_handler(function: Callable[..., Any], run: object, decorator: str) -> None:
    """Check that a function can be called, and where its declaration says.

    Args:
        function: the function.
        run: where its declaration says that it runs; None where it says nothing.
        decorator: how the decorator was written, for messages: ``"app.register('.add')"``.

    Raises:
        InvalidHandler: it cannot, or it is a class or a method without its object.
    """
    _check_bound(function, decorator)
    if not callable(function):
        raise InvalidHandler(
            f"{function!r} cannot be called; put the decorator on a function, or pass one."
        )
    if run is not None and run not in get_args(RunIn):
        raise InvalidHandler(f"run is {run!r}; it can be 'thread' or 'loop'.")
    if run == "thread" and kind_of(function, None) == "task":
        raise InvalidHandler(
            f"{name_of(function)} is a coroutine function, which runs on the event loop; leave "
            "run= out."
        )


def _check_bound(function: Any, decorator: str) -> None:
    """Check that something is not a method that nobody passes its ``self`` or ``cls``.

    Raises:
        InvalidHandler: it is; the message has the lines that do what was meant.
    """
    name = name_of(function)
    if isinstance(function, type):
        thing = function.__name__.lower()
        raise InvalidHandler(
            f"{name} is a class, and the decorator belongs on a function. To offer a method of an "
            f"object, write below the class: {thing} = {function.__name__}(); "
            f"{decorator}({thing}.method)"
        )
    owner, _, method = name.rpartition(".")
    owner = owner.rpartition(".")[2]
    first = "cls" if isinstance(function, classmethod) else _first_parameter(function)
    if not owner or owner == "<locals>" or first not in ("self", "cls"):
        return
    if first == "cls":
        raise InvalidHandler(
            f"{name} is a class method, and a class that is being made cannot be passed to it. "
            f"Write below the class: {decorator}({owner}.{method})"
        )
    thing = owner.lower()
    raise InvalidHandler(
        f"{name} is a method, and nobody would pass it `self`. Take the decorator away, and "
        f"write below the class: {thing} = {owner}(); {decorator}({thing}.{method})"
    )


def _first_parameter(function: object) -> str | None:
    """Return the name of a plain function's first parameter; None for anything else."""
    if not inspect.isfunction(function):
        return None
    with contextlib.suppress(ValueError, TypeError):  # what else is wrong with it is said later
        return next(iter(inspect.signature(function).parameters), None)
    return None


def check_called(function: Callable[..., Any], decorator: str, what: str, *arguments: str) -> None:
    """Check a function that the app calls by itself: a hook, a timer, an error handler, ...

    Args:
        function: the function.
        decorator: how the decorator was written, for messages: ``"app.on_startup"``.
        what: what it is, for messages: ``"A startup hook"``.
        arguments: what it is called with, for messages.

    Raises:
        InvalidHandler: it cannot be called with that, or would not run when it is called.
    """
    check_handler(function, None, decorator)
    name = name_of(function)
    if kind_of(function, None) in ("generator", "stream") or _is_context_manager(function):
        raise InvalidHandler(
            f"{name} has a 'yield', so its body would never run; leave the 'yield' out. What is "
            "opened at the start and closed at the end belongs in App(lifespan=...)."
        )
    check_takes(function, what, *arguments)


def _is_context_manager(function: object) -> bool:
    """Return whether a function is one that ``@contextmanager`` made of a generator."""
    module = getattr(function, "__globals__", {}).get("__name__")
    return module == contextlib.__name__ and hasattr(function, "__wrapped__")


def check_takes(function: Callable[..., Any], what: str, *arguments: str) -> None:
    """Check that a function can be called with so many positional arguments.

    Args:
        function: the function.
        what: what it is, for the message: ``"A startup hook"``.
        arguments: what it is called with, for the message.

    Raises:
        InvalidHandler: it cannot.
    """
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):
        return  # some functions that are written in C have none
    try:
        signature.bind(*arguments)
    except TypeError:
        called = f"with {' and '.join(arguments)}" if arguments else "without arguments"
        raise InvalidHandler(
            f"{what} is called {called}; the parameters of {name_of(function)} are {signature}."
        ) from None


def check_identifier(function: Callable[..., Any]) -> None:
    """Check that a function takes a web page's request.

    Args:
        function: the function.

    Raises:
        InvalidHandler: it does not, or does not say so.
    """
    check_takes(function, "What identifies a page", "its request")
    first = next(iter(signature_of(function).parameters.values()))
    if first.annotation is not PageRequest:
        raise InvalidHandler(
            f"{name_of(function)} identifies web pages and gets their requests; write its first "
            f"parameter as '{first.name}: PageRequest'."
        )


def check_lifespan(lifespan: Callable[..., Any] | None) -> None:
    """Check what an app gets as its lifespan.

    Raises:
        InvalidHandler: it is not a function that takes the app and returns an async context
            manager.
    """
    if lifespan is None:
        return
    if not callable(lifespan):
        raise InvalidHandler(
            f"The lifespan {lifespan!r} cannot be called; pass a function that takes the app."
        )
    kind = kind_of(lifespan, None)
    if kind == "stream":
        raise InvalidHandler(
            f"{name_of(lifespan)} is an asynchronous generator; put "
            "@contextlib.asynccontextmanager on it to make it a lifespan."
        )
    if kind in ("generator", "task") or (
        _is_context_manager(lifespan) and inspect.isgeneratorfunction(inspect.unwrap(lifespan))
    ):
        raise InvalidHandler(
            f"{name_of(lifespan)} does not return an async context manager; make the lifespan an "
            "'async def' function with one 'yield', and put @contextlib.asynccontextmanager on it."
        )
    check_takes(lifespan, "A lifespan", "the app")


def check_exception(kind: object, verb: str) -> None:
    """Check that ``kind`` is an exception class; ``verb`` is named in the message.

    Raises:
        InvalidHandler: it is not.
    """
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        raise InvalidHandler(
            f"{verb} takes an exception class, not {kind!r}, such as {verb}(KeyError)."
        )


def known_fields(options: Any, known: type) -> dict[str, Any]:
    """Return a declaration's options, as fields of its record.

    Args:
        options: what the user wrote, with an object of Autobahn's among them or not.
        known: the TypedDict of the options that exist; its name is that of Autobahn's class.

    Raises:
        InvalidHandler: an option does not exist; the message names the nearest. Or the object is
            not one that belongs here.
    """
    sentence = unknown_option(options, known.__annotations__)
    if sentence is not None:
        raise InvalidHandler(sentence)
    fields = dict(options)
    theirs = fields.pop("options", None)
    if theirs is None:
        return fields
    try:
        autobahn_options.check(theirs, known.__name__)
    except UsageError as error:
        raise InvalidHandler(str(error)) from None
    return autobahn_options.declared_fields(theirs, fields)


def check_options(record: Registration | Subscription) -> None:
    """Check the values of a declaration's options.

    Raises:
        InvalidHandler: one is not valid.
    """
    concurrency = record.concurrency
    if concurrency is not None and (type(concurrency) is not int or concurrency < 1):
        raise InvalidHandler(f"concurrency is {concurrency!r}; give a whole number, 1 or more.")
    if isinstance(record, Subscription):
        return
    if record.invoke is not None and record.invoke not in get_args(Invoke):
        known = ", ".join(map(repr, get_args(Invoke)))
        raise InvalidHandler(f"invoke is {record.invoke!r}; it can be {known}.")
    if record.timeout is not None:
        try:
            check_seconds(record.timeout, "timeout")
        except UsageError as error:
            raise InvalidHandler(str(error)) from None
