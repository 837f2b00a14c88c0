"""A process with live settings: `python -m tests.benchmarks.our_settings ROLE WHERE FOLDER`.

The keeper has the router in its process, and WHERE is its store; for a service, WHERE is the
router's URL. What it keeps is in FOLDER.
"""

import os
import sys

from wampapp import App
from wampapp.components import Live, Settings

PREFIX = "com.benchmark.settings"


class Shop(Settings):
    """What is changed."""

    max_items: int = 0


def keeper(where: str, _folder: str) -> None:
    app = App(prefix="com.benchmark", name="keeper")
    app.include(Live(app, PREFIX, store=where))
    app.run(port=0)


def service(where: str, folder: str) -> None:
    os.chdir(folder)
    name = os.path.basename(folder)  # noqa: PTH119 - a word, not a file
    app = App(prefix=f"com.benchmark.{name}", name=name)
    settings = Live(app, Shop, PREFIX)

    @app.register
    async def value() -> int:
        """Return what this process has."""
        found: int = settings.max_items
        return found

    app.run(where)


if __name__ == "__main__":
    {"keeper": keeper, "service": service}[sys.argv[1]](*sys.argv[2:])
