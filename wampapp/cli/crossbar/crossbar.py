"""``wampapp crossbar``: make, check and start a node of Crossbar.io."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wampapp.cli.options import Command, CommandGroup
from wampapp.cli.output import counted, printable, say
from wampapp.cli.target.argument import targets_argument
from wampapp.errors import EXIT_FAILED, UsageError

if TYPE_CHECKING:
    from wampapp.cli.crossbar.configuration import Offer

_folder = click.option(
    "--cbdir", metavar="FOLDER", default=".crossbar", help="The node's. Default: .crossbar."
)


class _Refused(click.ClickException):
    exit_code = EXIT_FAILED


@click.group(cls=CommandGroup)
def crossbar() -> None:
    """Make, check and start a node of Crossbar.io for production."""


@crossbar.command(cls=Command)
@targets_argument
@_folder
@click.option("--realm", metavar="REALM", default="realm1", help="Default: realm1.")
@click.option("--interface", metavar="ADDRESS", default="127.0.0.1", help="Default: 127.0.0.1.")
@click.option("--port", type=click.IntRange(1, 65535), default=8080, help="Default: 8080.")
@click.option("--tls-cert", metavar="FILE", help="Its certificate, for TLS (PEM).")
@click.option("--tls-key", metavar="FILE", help="Its private key (PEM).")
@click.option(
    "--allow-origin",
    "origins",
    metavar="ORIGIN",
    multiple=True,
    help="A web origin to let in, such as https://shop.example. Repeatable.",
)
@click.option(
    "--public-key",
    "public_keys",
    metavar="HEX",
    multiple=True,
    help="Of a service that joins by cryptosign. Repeatable.",
)
@click.option("--force", is_flag=True, help="Overwrite what was changed by hand, too.")
def init(
    targets: tuple[str, ...],
    *,
    cbdir: str,
    realm: str,
    interface: str,
    port: int,
    tls_cert: str | None,
    tls_key: str | None,
    origins: tuple[str, ...],
    public_keys: tuple[str, ...],
    force: bool,
) -> None:
    """Write the configuration of a node, with roles for what each TARGET offers."""
    from wampapp.cli.crossbar.configuration import Node, configuration
    from wampapp.cli.deploy.deploy import write_files

    if (tls_cert is None) != (tls_key is None):
        raise UsageError("TLS takes both a certificate and its key: --tls-cert and --tls-key.")
    for key in public_keys:
        if re.fullmatch("[0-9a-fA-F]{64}", key) is None:
            raise UsageError(f"{key!r} is not a public key: 64 hexadecimal digits.")
    offer, name = _offer(targets)
    node = Node(
        realm,
        interface,
        port,
        name,
        None if tls_cert is None else str(Path(tls_cert).absolute()),
        None if tls_key is None else str(Path(tls_key).absolute()),
        origins,
        public_keys,
    )
    write_files({"config.yaml": configuration(node, offer)}, Path(cbdir), force=force)
    secrets = f"{node.variable('SERVICE_SECRET')} and {node.variable('CLIENT_TICKET')}"
    click.echo(f"Set {secrets}, and run 'wampapp crossbar start'.")


@crossbar.command(cls=Command)
@targets_argument
@_folder
def check(targets: tuple[str, ...], *, cbdir: str) -> None:
    """Check a node's configuration: that it is valid, its secrets, and what TARGET may do."""
    from wampapp.cli.crossbar import checking
    from wampapp.crossbar.installation import environment

    folder = Path(cbdir)
    file = checking.config_file(folder)
    offer, _ = _offer(targets)
    checking.check_variables(file)
    program = environment(say) / "bin" / "crossbar"
    checking.check_by_crossbar(program, folder)
    refused = checking.refused(checking.read(program, file), offer)
    for sentence in refused:
        click.echo(printable(sentence))
    if refused:
        raise _Refused(f"{counted(len(refused), 'thing')} that the apps do would be refused.")
    done = counted(len(offer.procedures), "procedure")
    click.echo(f"{printable(str(file))} is valid, and some role may register each of {done}.")


@crossbar.command(cls=Command)
@_folder
def start(*, cbdir: str) -> None:
    """Start a node in the foreground, until SIGTERM or Ctrl-C.

    Crossbar.io is installed once, into an environment of its own.
    """
    from wampapp.cli.crossbar import checking
    from wampapp.crossbar.installation import clean_environ, environment

    folder = Path(cbdir)
    checking.check_variables(checking.config_file(folder))
    program = environment(say) / "bin" / "crossbar"
    # This process becomes the node, so that signals and exit codes are the node's own.
    words = [str(program), "start", "--cbdir", str(folder)]
    os.execve(program, words, clean_environ())  # noqa: S606 - the command is ours


def _offer(targets: tuple[str, ...]) -> tuple[Offer, str]:
    """Return what apps offer, and the name of the first."""
    from wampapp.cli.crossbar.configuration import Offer
    from wampapp.cli.run.targets import load_one

    offer = Offer()
    apps = [load_one(target, prefix=None, store=None) for target in targets]
    for app in apps:
        offer.add(app)
    return offer, apps[0].name
