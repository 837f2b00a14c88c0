"""A key/value store for development: keys that expire, changes that can be watched, locks."""

from wampapp.components.kv.blocking import BlockingKV
from wampapp.components.kv.kv import KV
from wampapp.components.kv.lock import BlockingLock, Lock, LockLost
from wampapp.components.kv.records import Change, Entry
from wampapp.errors import Conflict

__all__ = [
    "KV",
    "BlockingKV",
    "BlockingLock",
    "Change",
    "Conflict",
    "Entry",
    "Lock",
    "LockLost",
]
