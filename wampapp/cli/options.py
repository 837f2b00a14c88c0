"""Options and arguments that several commands share."""

from __future__ import annotations

import functools
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
import msgspec
from click.core import ParameterSource

from wampapp.cli.project import env_file_option
from wampapp.cli.terminal import printable
from wampapp.errors import BrokenTarget, UsageError, WampappError, WampError
from wampapp.observe.logs import FORMS, LEVELS, escaped_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wampapp.config.records import Tls
    from wampapp.protocol.credentials import Credential

F = TypeVar("F", bound="Callable[..., Any]")

#: No timer counts more seconds; it is some thirty years.
_LONGEST: Final = 1e9


def with_options(command: Any, options: Sequence[Callable[[Any], Any]]) -> Any:
    """Give a command's function several options, which its help shows in this order."""
    for option in reversed(options):
        command = option(command)
    return command


def url_option(default: str) -> Callable[[F], F]:
    """The ``--url`` option.

    Args:
        default: what its help says is used without it.
    """
    return click.option(
        "--url",
        metavar="URL",
        help=f"The router: ws, wss, rs, rss or unix URL. Default: {default}.",
    )


realm_option = click.option(
    "--realm",
    metavar="REALM",
    help="The realm to join. Default: realm1.",
)
_authmethod_option = click.option(
    "--authmethod",
    type=click.Choice(["anonymous", "ticket", "wampcra", "scram", "cryptosign"]),
    metavar="METHOD",
    help="anonymous, ticket, wampcra, scram, cryptosign.",
)
_authid_option = click.option("--authid", metavar="NAME", help="Who joins.")
#: The variables of the options that have this are read where their rules are: in wampapp.config.
_OTHERWISE: Final[list[str]] = []


def _file_option(name: str, description: str, **more: Any) -> Callable[[F], F]:
    """An option that names a file, which shells complete."""
    return click.option(name, type=click.Path(), metavar="FILE", help=description, **more)


_secret_file_option = _file_option(
    "--secret-file", "Holds the ticket, secret or password.", envvar=_OTHERWISE
)
_ask_secret_option = click.option(
    "--ask-secret", is_flag=True, help="Ask for it at the terminal instead."
)
_key_file_option = _file_option("--key-file", "Holds the private key for cryptosign.")
_ca_option = _file_option(
    "--ca", "Holds the certificates that are trusted (PEM).", envvar=_OTHERWISE
)
_cert_option = _file_option(
    "--cert", "Holds our own certificate, if the router asks.", envvar=_OTHERWISE
)
_cert_key_option = _file_option(
    "--cert-key", "Holds its private key, if FILE does not.", envvar=_OTHERWISE
)
_insecure_option = click.option(
    "--insecure",
    envvar=_OTHERWISE,
    is_flag=True,
    default=None,
    help="Trust any certificate, even a forger's.",
)


@dataclass(frozen=True)
class Router:
    """Which router is joined, and as whom: what ``config.settle`` takes by these names.

    Attributes:
        url: its URL; None where the command line says nothing.
        realm: the realm; likewise.
        auth: the credential; likewise.
        tls: how TLS is spoken; likewise.
    """

    url: str | None
    realm: str | None
    auth: Credential | None
    tls: Tls | None


def router_options(default: str) -> Callable[[F], F]:
    """The options that name a router and say who joins; the command gets them as ``router``.

    Args:
        default: what the help of ``--url`` says is used without it.
    """

    def decorate(command: F) -> F:
        @functools.wraps(command)
        def wrapped(
            *args: Any,
            url: str | None,
            realm: str | None,
            authmethod: str | None,
            authid: str | None,
            secret_file: str | None,
            ask_secret: bool,
            key_file: str | None,
            ca: str | None,
            cert: str | None,
            cert_key: str | None,
            insecure: bool | None,
            **kwargs: Any,
        ) -> Any:
            from wampapp.config.settle import settle_credential, settle_tls

            secret = None
            if ask_secret:
                secret = _asked_secret()
            auth = settle_credential(
                method=authmethod,
                authid=authid,
                secret=secret,
                secret_file=secret_file,
                key_file=key_file,
            )
            tls = settle_tls(ca=ca, certificate=cert, key=cert_key, insecure=insecure)
            return command(*args, router=Router(url, realm, auth, tls), **kwargs)

        options = (
            env_file_option,
            url_option(default),
            realm_option,
            _authmethod_option,
            _authid_option,
            _secret_file_option,
            _ask_secret_option,
            _key_file_option,
            _ca_option,
            _cert_option,
            _cert_key_option,
            _insecure_option,
        )
        return with_options(wrapped, options)  # type: ignore[no-any-return]

    return decorate


def _asked_secret() -> str:
    """Ask for the secret at the terminal until there is one."""
    import warnings
    from getpass import GetPassWarning, getpass

    secret = ""
    with warnings.catch_warnings():
        warnings.simplefilter("error", GetPassWarning)
        try:
            while not secret:
                secret = getpass("Secret: ")
        except KeyboardInterrupt:
            click.echo(err=True)  # ends the prompt's line
            raise
        except (EOFError, GetPassWarning):
            raise UsageError(
                "There is no terminal to ask for the secret at; give --secret-file FILE instead."
            ) from None
    return secret


class Finite(click.FloatRange):
    """A number that is none of infinity and NaN, nor too large for a timer."""

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Return the number."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number) or number > _LONGEST:
            self.fail(f"{value} is no number up to {_LONGEST:,.0f}.", param, ctx)
        return number


host_option = click.option(
    "--host", metavar="ADDRESS", help="Where the router listens. Default: 127.0.0.1."
)
port_option = click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Its port; 0: any. Default: 8080.",
)
allow_origin_option = click.option(
    "--allow-origin",
    "allow_origins",
    multiple=True,
    metavar="ORIGIN",
    help="A web origin that may connect. Repeatable.",
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
    help="End after so long without a router.",
)
timeout_option = click.option(
    "--timeout",
    type=Finite(min=0),
    default=30.0,
    metavar="SECONDS",
    help="How long to wait for an answer; 0: for ever. Default: 30.",
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
log_format_option = click.option(
    "--log-format",
    type=click.Choice(FORMS, case_sensitive=False),
    metavar="FORMAT",
    help="text, or json: an object a line.",
)
match_option = click.option(
    "--match",
    type=click.Choice(["exact", "prefix", "wildcard"]),
    metavar="MATCH",
    help="exact, prefix, or wildcard: empty components match any.",
)
VARIABLES: Final = (
    "Each option has a variable: --log-level has WAMPAPP_LOG_LEVEL. WAMPAPP_SECRET is the ticket, "
    "secret or password itself."
)


def insisted(name: str) -> bool:
    """Tell whether an option of the running command is on the command line itself.

    One that came from a variable and does not apply is passed over: it was set for other commands.

    Args:
        name: the option's, as the command's function has it.
    """
    source = click.get_current_context().get_parameter_source(name)
    return source is ParameterSource.COMMANDLINE


class Command(click.Command):
    """A command whose every option has a variable: ``WAMPAPP_GIVE_UP_AFTER`` and so on."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for option in self.params:
            if isinstance(option, click.Option) and option.envvar is None:
                name = max(option.opts, key=len)
                option.envvar = f"WAMPAPP_{name.lstrip('-').replace('-', '_').upper()}"


json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


def json_line(value: Any) -> str:
    """Return a value as one line of JSON, which a terminal shows and does not obey."""
    try:
        return escaped_json(msgspec.json.encode(value).decode())
    except UnicodeEncodeError:
        # A word of the command line that was no UTF-8.
        return json.dumps(value, separators=(",", ":"))


def sentence(error: WampappError) -> str:
    """Return what the command line says of an error; nothing in it commands the terminal."""
    if isinstance(error, BrokenTarget):
        return str(error)  # a line of the user's own file stands below it
    return printable(error.sentence if isinstance(error, WampError) else str(error))
