"""A key/value store and live settings, as a user's type checker sees them."""

from dataclasses import dataclass
from typing import Any, assert_type

from wampapp import App, connect
from wampapp.components import KV, Live, Settings
from wampapp.components.kv import Change, Conflict, Entry, LockLost
from wampapp.components.settings import Changed, Version

app = App(prefix="com.shop")
kv = KV(app, durable=True)
KV(app, durable="yes")  # wrong


@dataclass
class Cart:
    items: list[str]


class Shop(Settings):
    max_items: int = 20
    banner: str = ""


settings = Live(app, Shop)
assert_type(settings.now, Shop)
assert_type(settings.now.max_items, int)
assert_type(settings.version, int)
print(settings.now.max_itms)  # wrong


@kv.on_change("user.<number>.cart")
async def changed(cart: Cart | None, number: str) -> None: ...


@settings.check
def sane(new: Shop) -> None: ...


@settings.on_change("banner")
async def banner(new: str, old: str) -> None: ...


kv.on_change(7)  # wrong


async def use() -> None:
    assert_type(await kv.get("a", type=Cart), Cart | None)
    assert_type(await kv.get("a", type=int, default=0), int)
    assert_type(await kv.get("a"), Any)
    assert_type(await kv.entry("a", type=Cart), Entry[Cart] | None)
    assert_type(await kv.set("a", Cart([]), ttl=5, expect=0), int)
    assert_type(await kv.delete("a"), bool)
    await kv.set(7, 1)  # wrong
    await kv.set("a", 1, ttl="5")  # wrong
    async for entry in kv.scan("user.", type=Cart):
        assert_type(entry.value, Cart)
    async for change in kv.watch(type=Cart):
        assert_type(change, Change[Cart])
        assert_type(change.value, Cart | None)
    try:
        async with kv.lock("report", ttl=5) as lock:
            assert_type(lock.revision, int)
    except (LockLost, Conflict):
        pass
    assert_type(await settings.change(max_items=3, why="a sale"), Changed)
    assert_type(await settings.history(), list[Version])
    await settings.rollback("1")  # wrong


def use_in_threads() -> None:
    script = KV(connect(), "com.shop.kv").sync
    assert_type(script.get("a", type=int), int | None)
    assert_type([one.value for one in script.scan(type=Cart)], list[Cart])
    with script.lock("report") as lock:
        lock.check()
    assert_type(settings.sync.reset("banner"), Changed)
    with settings.sync.override(max_items=3):
        pass
