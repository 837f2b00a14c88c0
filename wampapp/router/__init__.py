"""The router in the box: messages in, messages out, with no sockets and no clock.

Who may join it, and who may do what there, is a :class:`RouterConfig`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wampapp.config.access import Permission, Principal, RealmConfig, Role, RouterConfig
    from wampapp.config.listeners import Listener
    from wampapp.protocol.hashes import ScramKeys, TicketHash, WampcraKey
    from wampapp.router.router import Router

__all__ = [
    "Listener",
    "Permission",
    "Principal",
    "RealmConfig",
    "Role",
    "Router",
    "RouterConfig",
    "ScramKeys",
    "TicketHash",
    "WampcraKey",
]

_HOMES = {
    "Listener": "wampapp.config.listeners",
    "Router": "wampapp.router.router",
    "ScramKeys": "wampapp.protocol.hashes",
    "TicketHash": "wampapp.protocol.hashes",
    "WampcraKey": "wampapp.protocol.hashes",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "wampapp.config.access")), name)
