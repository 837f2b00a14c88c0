"""What a generated module of Python may need beside its classes."""

from __future__ import annotations

from typing import Final

#: What a module may import: where it is from, and what it is called there.
IMPORTS: Final = (
    ("datetime", "dt"),
    ("collections.abc", "AsyncIterator"),
    ("collections.abc", "Awaitable"),
    ("collections.abc", "Callable"),
    ("collections.abc", "Iterator"),
    ("contextlib", "aclosing"),
    ("contextlib", "contextmanager"),
    ("decimal", "Decimal"),
    ("itertools", "takewhile"),
    ("typing", "Any"),
    ("typing", "Literal"),
    ("typing", "TypeAlias"),
    ("uuid", "UUID"),
    ("msgspec", "msgspec"),
    ("wampapp", "ActiveSubscription"),
    ("wampapp", "App"),
    ("wampapp", "BlockingSubscription"),
    ("wampapp", "Event"),
    ("wampapp", "PeerClient"),
    ("wampapp", "WampError"),
)

#: Functions that a module has if it calls them.
HELPERS: Final = {
    "_as_classes": '''\
@contextmanager
def _as_classes() -> Iterator[None]:
    """Raise errors as the classes that stand for them here."""
    try:
        yield
    except WampError as error:
        kind = _ERRORS.get(error.uri)
        if kind is None:
            raise
        raise kind(*error.args, **error.kwargs) from None
''',
    "_component": '''\
def _component(value: object, *, dots: bool = False) -> str:
    """Return a value as it stands in a URI."""
    text = str(msgspec.to_builtins(value))
    if not text or ("." in text and not dots):
        raise ValueError(f"{text!r} cannot be a component of a URI.")
    return text
''',
    "_given": '''\
def _given(named: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that are given."""
    return {name: value for name, value in named.items() if value is not msgspec.UNSET}
''',
    "_placed": '''\
def _placed(*values: Any) -> list[Any]:
    """Return the arguments before the first one that is not given."""
    return list(takewhile(lambda value: value is not msgspec.UNSET, values))
''',
}
