"""The options that name a router and say who joins it."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from wampapp.cli.env_file import env_file_option
from wampapp.cli.options import with_options
from wampapp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from wampapp.config.records import Tls
    from wampapp.protocol.credentials import Credential

F = TypeVar("F", bound="Callable[..., Any]")


@dataclass(frozen=True)
class RouterOptions:
    """Which router is joined, and as whom: what ``settle`` takes by these names.

    Each attribute is None where the command line says nothing of it.

    Attributes:
        url: the router's URL.
        realm: the realm.
        auth: the credential.
        tls: how TLS is spoken.
    """

    url: str | None
    realm: str | None
    auth: Credential | None
    tls: Tls | None


def url_option(default: str) -> Callable[[F], F]:
    """The option ``--url``.

    Args:
        default: what its help names as the default.
    """
    return click.option(
        "--url",
        metavar="URL",
        help=f"ws, wss, rs, rss or unix. Default: {default}.",
    )


def realm_option(default: str) -> Callable[[F], F]:
    """The option ``--realm``.

    Args:
        default: what its help names as the default.
    """
    return click.option("--realm", metavar="REALM", help=f"The realm to join. Default: {default}.")


def router_options(default: str) -> Callable[[F], F]:
    """The options that name a router and say who joins; the command gets them as ``router``.

    Args:
        default: what the help of ``--url`` names as the default.
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

            auth = settle_credential(
                method=authmethod,
                authid=authid,
                secret=_ask_for_secret() if ask_secret else None,
                secret_file=secret_file,
                key_file=key_file,
            )
            tls = settle_tls(ca=ca, certificate=cert, key=cert_key, insecure=insecure)
            return command(*args, router=RouterOptions(url, realm, auth, tls), **kwargs)

        options = (env_file_option, url_option(default), realm_option("realm1"), *_JOINING)
        return with_options(wrapped, options)  # type: ignore[no-any-return]

    return decorate


def _file_option(name: str, description: str, **more: Any) -> Callable[[Any], Any]:
    """An option that names a file, which shells complete."""
    return click.option(name, type=click.Path(), metavar="FILE", help=description, **more)


#: The variables of the options that have this are read with their rules, in wampapp.config.
_READ_IN_CONFIG: Final[list[str]] = []

_JOINING: Final = (
    click.option(
        "--authmethod",
        type=click.Choice(["anonymous", "ticket", "wampcra", "scram", "cryptosign", "tls"]),
        metavar="METHOD",
        help="ticket, wampcra, scram, cryptosign, tls, anonymous.",
    ),
    click.option("--authid", metavar="NAME", help="The name to join as."),
    _file_option("--secret-file", "Holds the ticket, secret or password.", envvar=_READ_IN_CONFIG),
    click.option("--ask-secret", is_flag=True, help="Ask for it at the terminal instead."),
    _file_option("--key-file", "Holds the private key for cryptosign."),
    _file_option("--ca", "Holds the certificates that are trusted (PEM).", envvar=_READ_IN_CONFIG),
    _file_option(
        "--cert", "Holds our own certificate, if the router asks.", envvar=_READ_IN_CONFIG
    ),
    _file_option("--cert-key", "Holds its private key, if FILE does not.", envvar=_READ_IN_CONFIG),
    click.option(
        "--insecure",
        envvar=_READ_IN_CONFIG,
        is_flag=True,
        default=None,
        help="Trust any certificate, even a forged one.",
    ),
)


def _ask_for_secret() -> str:
    """Ask for the secret at the terminal until there is one."""
    import warnings
    from getpass import GetPassWarning, getpass

    secret = ""
    with warnings.catch_warnings():
        # Where it cannot turn the echo off, getpass warns and would go on.
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
