"""A service that keeps its settings, as an administrator sees it."""

from typing import Annotated

from msgspec import Meta

from wampapp import App
from wampapp.components import Live, Settings


class Mill(Settings):
    """What the miller may change."""

    speed: Annotated[int, Meta(ge=0, le=100, description="turns a minute")] = 10
    banner: str = ""
    grains: tuple[str, ...] = ("rye",)
    is_open: bool = True


app = App(prefix="com.mill")
settings = Live(app, Mill)


@settings.check
def safe(new: Mill) -> None:
    """Check that it is safe."""
    if new.is_open and new.speed > 90:
        raise ValueError("above 90 turns, the mill is closed")


@settings.on_change("banner")
def banner(new: str, old: str) -> None:
    """Show it."""
    if new == "bad":
        raise ValueError(f"{new} instead of {old}")


app.include(settings)
