"""Options that several commands share, and the class of all commands."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
from click.core import ParameterSource

from wampapp.observe.logs import FORMS, LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

F = TypeVar("F", bound="Callable[..., Any]")

#: No timer takes more seconds; it is about thirty years.
_MAX_SECONDS: Final = 1e9

#: An epilog for commands with many options.
VARIABLES: Final = "Variables: WAMPAPP_LOG_LEVEL and so on; WAMPAPP_SECRET is the secret itself."


def _name_variables(command: click.Command) -> None:
    for option in command.params:
        if isinstance(option, click.Option) and option.envvar is None:
            name = max(option.opts, key=len)
            option.envvar = f"WAMPAPP_{name.lstrip('-').replace('-', '_').upper()}"


class Command(click.Command):
    """A command whose every option has a variable: ``WAMPAPP_GIVE_UP_AFTER`` and so on."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _name_variables(self)


class CommandGroup(click.Group):
    """A command with commands of its own; every option has a variable, as of a :class:`Command`."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _name_variables(self)


class Finite(click.FloatRange):
    """A number that is neither infinite nor NaN, nor too large for a timer."""

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Return the number."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number) or number > _MAX_SECONDS:
            self.fail(f"{value} is not a number up to {_MAX_SECONDS:,.0f}.", param, ctx)
        return number


def with_options(command: Any, options: Sequence[Callable[[Any], Any]]) -> Any:
    """Give a command's function several options, which its help shows in this order."""
    for option in reversed(options):
        command = option(command)
    return command


def was_typed(name: str) -> bool:
    """Return whether an option of the running command is on the command line itself.

    An option that comes from a variable and does not apply is ignored: the variable was set for
    other commands.

    Args:
        name: the option's name in the command's function.
    """
    source = click.get_current_context().get_parameter_source(name)
    return source is ParameterSource.COMMANDLINE


port_option = click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Its port. Default: 8080; 0: any.",
)
host_option = click.option(
    "--host", metavar="ADDRESS", help="Where the router listens. Default: 127.0.0.1."
)
_allow_origin_option = click.option(
    "--allow-origin",
    "allow_origins",
    multiple=True,
    metavar="ORIGIN",
    help="A web origin to let in, * or null. Repeatable.",
)


def router_config_option(name: str) -> Callable[[F], F]:
    """The option that names the embedded router's file; the command gets ``router_config``."""
    return click.option(
        name,
        "router_config",
        type=click.Path(),
        envvar="WAMPAPP_ROUTER_CONFIG",
        metavar="FILE",
        help="Who may join the router, and do what.",
    )


_allow_anonymous_option = click.option(
    "--allow-anonymous",
    is_flag=True,
    default=None,
    help="Listen beyond this machine for everybody.",
)


_tls_cert_option = click.option(
    "--tls-cert", type=click.Path(), metavar="FILE", help="The router's certificate, for TLS (PEM)."
)
_tls_key_option = click.option(
    "--tls-key",
    type=click.Path(),
    metavar="FILE",
    help="Its private key, if FILE does not.",
)


def _as_limits(_ctx: click.Context, _option: click.Parameter, words: tuple[str, ...]) -> Any:
    from wampapp.config.limits import parse_limits

    return parse_limits(words) if words else None


_limit_option = click.option(
    "--limit",
    "limits",
    multiple=True,
    callback=_as_limits,
    metavar="NAME=N",
    help="Its limit, such as unsent=32MiB. Repeatable.",
)
handshake_timeout_option = click.option(
    "--handshake-timeout",
    type=Finite(min=0, min_open=True),
    metavar="SECONDS",
    help="How long joining may take. Default: 10.",
)
give_up_after_option = click.option(
    "--give-up-after",
    type=Finite(min=0),
    metavar="SECONDS",
    help="End after this long without a router.",
)
timeout_option = click.option(
    "--timeout",
    type=Finite(min=0),
    default=30.0,
    metavar="SECONDS",
    help="How long to wait for an answer; 0 for ever. Default: 30.",
)
connect_timeout_option = click.option(
    "--connect-timeout",
    type=Finite(min=0, min_open=True),
    default=10.0,
    metavar="SECONDS",
    help="How long connecting and joining may take. Default: 10.",
)
log_level_option = click.option(
    "--log-level",
    type=click.Choice(list(LEVELS), case_sensitive=False),
    metavar="LEVEL",
    help="debug, info, warning, error or critical.",
)
_log_format_option = click.option(
    "--log-format",
    type=click.Choice(FORMS, case_sensitive=False),
    metavar="FORMAT",
    help="text, or json for one object per line.",
)
match_option = click.option(
    "--match",
    type=click.Choice(["exact", "prefix", "wildcard"]),
    metavar="MATCH",
    help="exact, prefix, or wildcard: empty components match any.",
)
component_prefix_option = click.option(
    "--prefix", metavar="PREFIX", help="A component's prefix, such as com.shop.tasks."
)
#: Its variables, WAMPAPP_STORE and one for each component, are read with their rules.
store_option = click.option(
    "--store", metavar="STORE", envvar=[], help="Its data: a file, or postgresql://…"
)
exit_with_stdin_option = click.option(
    "--exit-with-stdin",
    is_flag=True,
    help="Stop as on SIGTERM when standard input ends.",
)
output_option = click.option(
    "-o", "--output", type=click.Path(), metavar="FILE", help="Write to FILE, not to the terminal."
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")


def listening_options(command: F) -> F:
    """The options of a router in this process.

    They are ``host``, ``port``, ``tls_cert``, ``tls_key``, ``allow_anonymous``, ``allow_origins``
    and ``limits``.
    """
    options = (
        host_option,
        port_option,
        _tls_cert_option,
        _tls_key_option,
        _allow_anonymous_option,
        _allow_origin_option,
        _limit_option,
    )
    return with_options(command, options)  # type: ignore[no-any-return]


def log_options(command: F) -> F:
    """The options of the log: ``log_level`` and ``log_format``."""
    return with_options(command, (log_level_option, _log_format_option))  # type: ignore[no-any-return]
