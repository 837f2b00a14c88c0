"""``wampapp router check``."""

from __future__ import annotations

import click

from wampapp.cli.options import Command


@click.command(cls=Command)
@click.argument("file", type=click.Path())
def check(file: str) -> None:
    """Check the FILE of a router, without running it."""
    from wampapp.config.router_file import read_router_file

    config = read_router_file(file)
    for realm in config.realms:
        roles, principals = len(realm.roles), len(realm.principals)
        anonymous = f"anonymous sessions are {realm.anonymous}" if realm.anonymous else ""
        parts = [
            f"{roles} role{'s' * (roles != 1)}",
            f"{principals} principal{'s' * (principals != 1)}",
            anonymous or "anonymous sessions are refused",
        ]
        click.echo(f"{realm.name}: {', '.join(parts)}")
    others = "open: everybody may do everything there" if config.open_realms else "refused"
    click.echo(f"Other realms are {others}.")
