"""The ARGUMENTS of a call or an event: words of the command line made a payload."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from wampapp.cli.options import Command
from wampapp.protocol.serializer import too_deep

if TYPE_CHECKING:
    from collections.abc import Sequence

PAYLOAD_HELP = (
    "Each ARGUMENT is JSON where it parses and a string otherwise; key=value is a keyword "
    "argument. Put a string that looks like JSON or has a '=' in double quotes: '\"a=b\"'."
)

_NEGATIVE: Final = re.compile(r"-\.?\d")
_KEYWORD: Final = re.compile(r"([^\W\d]\w*)=(.*)", re.DOTALL)
#: Put before an argument such as -2, which would be taken for an option.
_SHIELD: Final = "\0"


class ArgumentsCommand(Command):
    """A command whose arguments may be negative numbers, which are not options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as Click does, except that negative numbers are not read as options."""
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


def parse_payload(words: Sequence[str]) -> tuple[list[Any], dict[str, Any]]:
    """Make a payload of words of the command line.

    Args:
        words: each is JSON where it parses, else a string; ``key=value`` is a keyword argument.

    Returns:
        The positional and the keyword arguments.

    Raises:
        click.UsageError: a keyword is given twice, or an argument is nested too deeply to be sent.
    """
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    try:
        for word in words:
            found = _KEYWORD.fullmatch(word)
            if found is None:
                args.append(_value(plain_word(word)))
            elif found[1] in kwargs:
                raise click.UsageError(f"The keyword argument {found[1]!r} is given twice.")
            else:
                kwargs[found[1]] = _value(found[2])
        deep = too_deep([args, kwargs])
    except RecursionError:
        deep = True
    if deep:
        raise click.UsageError("An argument is JSON that is nested too deeply.")
    return args, kwargs


def plain_word(word: str) -> str:
    """Return an argument of an :class:`ArgumentsCommand` as it was typed."""
    return word.removeprefix(_SHIELD)


def parse_value(word: str) -> Any:
    """Make a value of one word of the command line: JSON where it parses, else a string.

    Raises:
        click.UsageError: it is nested too deeply to be sent.
    """
    try:
        value = _value(plain_word(word))
        deep = too_deep([value])
    except RecursionError:
        deep = True
    if deep:
        raise click.UsageError("An argument is JSON that is nested too deeply.")
    return value


def _value(word: str) -> Any:
    try:
        return msgspec.json.decode(word)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return word
