"""Live settings: declared in code, read as attributes, changed while services run."""

from wampapp.components.settings.blocking import BlockingLive
from wampapp.components.settings.declaring import Settings
from wampapp.components.settings.live import Live
from wampapp.components.settings.records import Changed, Version
from wampapp.errors import Conflict

__all__ = ["BlockingLive", "Changed", "Conflict", "Live", "Settings", "Version"]
