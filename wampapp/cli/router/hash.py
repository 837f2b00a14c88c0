"""``wampapp router hash``."""

from __future__ import annotations

import sys

import click

from wampapp.cli.options import Command
from wampapp.errors import UsageError


@click.command("hash", cls=Command)
@click.argument("method", type=click.Choice(["ticket", "wampcra", "scram"]), metavar="METHOD")
@click.option("--argon2", is_flag=True, help="For scram: Argon2id instead of PBKDF2.")
def hash_secret(method: str, argon2: bool) -> None:
    """Make what a router's file keeps of a secret.

    METHOD is ticket, wampcra or scram. The secret is asked for at the terminal, or is the first
    line of the standard input.
    """
    from wampapp.protocol.hashes import ARGON2, PBKDF2, ScramKeys, TicketHash, WampcraKey

    if argon2 and method != "scram":
        raise click.UsageError("--argon2 is for scram; leave it out.")
    secret = _secret()
    if method == "ticket":
        click.echo(TicketHash.of(secret).text)
    elif method == "wampcra":
        click.echo(WampcraKey.of(secret).text)
    else:
        click.echo(ScramKeys.of(secret, ARGON2 if argon2 else PBKDF2).text)


def _secret() -> str:
    """Ask for the secret twice, or read it."""
    if sys.stdin.isatty():
        secret: str = click.prompt(
            "Secret", hide_input=True, confirmation_prompt="Once more", err=True
        )
        return secret
    try:
        secret = sys.stdin.readline().rstrip("\r\n")
        secret.encode()
    except UnicodeError:
        raise UsageError("The secret on the standard input is not valid UTF-8 text.") from None
    if not secret:
        raise UsageError("There is no secret on the standard input; write it there in one line.")
    return secret
