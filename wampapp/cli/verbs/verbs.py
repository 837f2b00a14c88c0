"""``wampapp call``, ``publish`` and ``subscribe``: WAMP from the shell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wampapp.cli.verbs.call import make_call
from wampapp.cli.verbs.publish import make_publish
from wampapp.cli.verbs.subscribe import make_subscribe
from wampapp.cli.verbs.where import where_options

if TYPE_CHECKING:
    from collections.abc import Callable

    import click


def verbs(
    where: Callable[[Callable[..., Any]], Callable[..., Any]],
) -> tuple[click.Command, click.Command, click.Command]:
    """Make the commands ``call``, ``publish`` and ``subscribe``.

    Args:
        where: the options that say where they go; they are passed on as ``where``.
    """
    return make_call(where), make_publish(where), make_subscribe(where)


call, publish, subscribe = verbs(where_options)
