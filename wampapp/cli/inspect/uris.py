"""``wampapp uris``: the procedures, topics and timers of an app."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wampapp.cli.options import Command, json_option
from wampapp.cli.output import json_line, table
from wampapp.cli.target.argument import target_argument
from wampapp.registry.records import Registration, name_of

if TYPE_CHECKING:
    from wampapp.registry.records import Source, Subscription, Timer
    from wampapp.registry.registry import Registry


@click.command(cls=Command)
@target_argument
@json_option
def uris(target: str, *, as_json: bool) -> None:
    """List an app's procedures, topics and timers, without running it.

    TARGET names the app as in 'wampapp run'.
    """
    from wampapp.cli.target.loading import load

    echo_uris(load(target).registry, as_json=as_json)


def echo_uris(registry: Registry, *, as_json: bool) -> None:
    """Print the procedures, topics and timers of an app.

    Args:
        registry: what the app declares.
        as_json: whether to print one JSON object per line, instead of a table.
    """
    from wampapp.runner import banner

    records: list[Registration | Subscription] = [*registry.registrations, *registry.subscriptions]
    if as_json:
        for record in records:
            click.echo(json_line(_about(record)))
        for timer in registry.timers:
            click.echo(json_line(_about_timer(timer)))
        return
    rows = []
    for record in records:
        about = _about(record)
        how = [about["match"]] if about["match"] != "exact" else []
        how += [about["invoke"]] if about.get("invoke", "single") != "single" else []
        rows.append(
            (
                about["kind"],
                f"{record.uri}{about['signature']}",
                " ".join(how),
                f"{about['handler']}  {_place(record.source)}",
            )
        )
    rows += [
        (
            "timer",
            banner.interval_text(timer),
            "",
            f"{name_of(timer.function)}  {_place(timer.source)}",
        )
        for timer in registry.timers
    ]
    for line in table(rows, ("note", "name", None, None)):
        click.echo(line)


def _about(record: Registration | Subscription) -> dict[str, Any]:
    from wampapp.runner import banner

    procedure = isinstance(record, Registration)
    about: dict[str, Any] = {
        "kind": "procedure" if procedure else "topic",
        "uri": record.uri,
        "match": record.pattern.match if record.pattern else "exact",
    }
    if isinstance(record, Registration):
        about["invoke"] = record.invoke or "single"
        handler = record.endpoint
    else:
        handler = record.handler
    return {
        **about,
        "handler": name_of(handler),
        "signature": banner.signature_text(record, returns=procedure),
        **_source(record.source),
    }


def _about_timer(timer: Timer) -> dict[str, Any]:
    return {
        "kind": "timer",
        "seconds": timer.seconds,
        "handler": name_of(timer.function),
        **_source(timer.source),
    }


def _source(source: Source | None) -> dict[str, Any]:
    return {"file": source.file if source else None, "line": source.line if source else None}


def _place(source: Source | None) -> str:
    if source is None:
        return ""
    path = Path(source.file)
    here = Path.cwd()
    return f"{path.relative_to(here) if path.is_relative_to(here) else path}:{source.line}"
