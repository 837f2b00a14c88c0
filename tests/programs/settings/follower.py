"""Has settings that others keep; each version that it sees is a line of its output."""

import os

from wampapp import App
from wampapp.components import Live, Settings


class Mill(Settings):
    speed: int = 0


app = App(prefix="com.mill", name=os.environ["MILL_NAME"])
settings = Live(app, Mill)


@settings.on_change()
async def changed(new: Mill, old: Mill) -> None:
    print("seen", settings.version, new.speed, flush=True)
