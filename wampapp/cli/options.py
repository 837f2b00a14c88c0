"""Options and arguments that several commands share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

F = TypeVar("F", bound="Callable[..., Any]")

_NEGATIVE: Final = re.compile(r"-\.?\d")
_KEYWORD: Final = re.compile(r"([^\W\d]\w*)=(.*)", re.DOTALL)
#: Stands before an argument such as -2, which would be taken for an option.
_SHIELD: Final = "\0"


def url_option(default: str) -> Callable[[F], F]:
    """The ``--url`` option.

    Args:
        default: what its help says is used without it.
    """
    return click.option(
        "--url",
        envvar="WAMPAPP_URL",
        show_envvar=True,
        metavar="URL",
        help=f"The router: ws://, wss://, rs://, rss:// or unix:///path. Default: {default}.",
    )


realm_option = click.option(
    "--realm",
    envvar="WAMPAPP_REALM",
    show_envvar=True,
    metavar="REALM",
    help="The realm to join. Default: realm1.",
)
host_option = click.option(
    "--host", metavar="ADDRESS", help="Where the router listens. Default: 127.0.0.1."
)
port_option = click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="The router's port; 0 takes a free one. Default: 8080.",
)
allow_origin_option = click.option(
    "--allow-origin",
    "allow_origins",
    multiple=True,
    metavar="ORIGIN",
    help="A web origin, such as https://example.com, whose pages may connect. Repeatable.",
)
handshake_timeout_option = click.option(
    "--handshake-timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="How long a connection may take to join. Default: 10.",
)


class ArgumentsCommand(click.Command):
    """A command whose arguments may be negative numbers, which are no options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as Click does, with negative numbers kept from being read as options."""
        shielded = []
        previous = ""
        for position, arg in enumerate(args):
            if arg == "--":
                shielded += args[position:]
                break
            is_value = previous.startswith("--") and "=" not in previous
            number = _NEGATIVE.match(arg) is not None and not is_value
            shielded.append(_SHIELD + arg if number else arg)
            previous = arg
        return super().parse_args(ctx, shielded)


def payload(words: Sequence[str]) -> tuple[list[Any], dict[str, Any]]:
    """Make a payload of the words on the command line.

    Args:
        words: each is JSON where it parses, else a string; ``key=value`` is a keyword argument.

    Returns:
        The positional and the keyword arguments.

    Raises:
        click.UsageError: a keyword stands twice, or a positional argument after a keyword.
    """
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for word in words:
        found = _KEYWORD.fullmatch(word)
        if found is None:
            args.append(_value(word.removeprefix(_SHIELD)))
        elif found[1] in kwargs:
            raise click.UsageError(f"The keyword argument {found[1]!r} is given twice.")
        else:
            kwargs[found[1]] = _value(found[2])
    return args, kwargs


def _value(word: str) -> Any:
    try:
        return msgspec.json.decode(word)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return word
    except RecursionError:
        raise click.UsageError("An argument is JSON that nests too deep.") from None


def json_line(value: Any) -> str:
    """Return a value as one line of JSON."""
    return msgspec.json.encode(value).decode()
