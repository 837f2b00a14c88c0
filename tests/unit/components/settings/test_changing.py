"""What becomes of a change, in memory and without waiting."""

import threading
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from msgspec import Meta

from wampapp import App, Conflict, InvalidArgument, NoSuchProcedure, PayloadTooLarge, UsageError
from wampapp.components import Live, Settings
from wampapp.components.settings import BlockingLive, keeper, tables
from wampapp.testing import TestClient


class Shop(Settings):
    free_shipping: bool = False
    max_items: Annotated[int, Meta(ge=1, le=100)] = 20
    banner: str = ""
    note: str | None = "none"


class House:
    def __init__(self) -> None:
        self.app = App(prefix="com.shop")
        self.settings = settings = Live(self.app, Shop)
        self.seen: list[Any] = []

        @settings.check
        def sane(new: Shop) -> None:
            if new.free_shipping and new.max_items > 50:
                raise ValueError("free shipping goes with 50 items at most")

        @settings.on_change("banner")
        async def banner(new: str, old: str) -> None:
            self.seen.append((new, old, settings.banner))
            if new == "bad":
                raise ValueError("no such banner")

        @settings.on_change()
        def anything(new: Shop, old: Shop) -> None:
            self.seen.append((new.max_items, old.max_items, threading.current_thread().name[:7]))

        @self.app.register
        def order(count: int) -> bool:
            return count <= settings.max_items

        self.app.include(settings)


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    with house.app.test_client() as client:
        yield client


@pytest.fixture
def live(client: TestClient) -> BlockingLive:
    live: BlockingLive = client.settings
    return live


def test_a_change_is_seen_everywhere(house: House, live: BlockingLive, client: TestClient) -> None:
    before = house.settings.now
    assert (house.settings.max_items, house.settings.version) == (20, 0)
    changed = live.change(max_items=30, banner="hello", why="holiday", by="ann")
    assert (changed.version, changed.failed, changed.silent) == (1, [], [])
    assert (house.settings.max_items, house.settings.banner) == (30, "hello")
    assert before == Shop()  # a struct stays as it was
    assert house.settings.now == Shop(max_items=30, banner="hello")
    assert client.call("com.shop.order", 25) is True
    assert house.seen == [("hello", "", "hello"), (30, 20, "wampapp")]
    assert client.call("com.shop.settings.snapshot")["values"] == {
        "max_items": 30,
        "banner": "hello",
    }
    (version,) = live.history()
    assert (version.version, version.by, version.why) == (1, "ann", "holiday")
    assert version.changes == {"max_items": {"after": 30}, "banner": {"after": "hello"}}


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"max_items": 0}, r"max_items: expected int >= 1 \(com\.shop \(.*\)\)"),
        ({"max_items": "7"}, "max_items: expected int, got str"),
        ({"max_itms": 7}, "there is no setting 'max_itms'; did you mean 'max_items'"),
        ({"max_items": 60, "free_shipping": True}, "free shipping goes with 50 items at most"),
        ({"banner": "x", "max_items": None}, "max_items: expected int, got null"),
    ],
)
def test_all_or_nothing(house: House, live: BlockingLive, values: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidArgument, match=why):
        live.change(**values)
    assert house.settings.now == Shop()
    assert live.history() == []


def test_a_version_that_is_expected(live: BlockingLive) -> None:
    assert live.change(banner="a", expect=0, by="ann", why="a sale").version == 1
    with pytest.raises(
        Conflict, match=r"the settings have version 1 now, by ann \(a sale\), and not 0"
    ) as caught:
        live.change(banner="b", expect=0)
    assert caught.value.current == {"version": 1}
    assert live.change(banner="b", expect=1).version == 2


def test_no_change_is_no_version(live: BlockingLive) -> None:
    assert live.change(banner="a").version == 1
    assert live.change(banner="a").version == 1
    assert live.reset("max_items").version == 1
    assert live.change(banner="", why="as by default, but said").version == 2


def test_a_value_that_is_none(house: House, live: BlockingLive) -> None:
    live.change(note=None)
    assert house.settings.note is None
    live.reset("note", why="back")
    assert house.settings.note == "none"
    assert [one.changes for one in live.history()] == [
        {"note": {"before": None}},
        {"note": {"after": None}},
    ]


def test_going_back(house: House, live: BlockingLive) -> None:
    live.change(max_items=30)
    live.change(max_items=40, banner="b")
    live.change(banner="c", free_shipping=True)
    assert live.rollback(1).version == 4
    assert house.settings.now == Shop(max_items=30)
    assert live.history(1)[0].why == "back to version 1"
    live.rollback(3, why="after all")
    assert house.settings.now == Shop(max_items=40, banner="c", free_shipping=True)
    live.rollback(0)
    assert house.settings.now == Shop()
    with pytest.raises(InvalidArgument, match="version 7 is not kept; there are 0 to 6"):
        live.rollback(7)
    with pytest.raises(Conflict):
        live.rollback(1, expect=1)


def test_a_handler_that_fails(house: House) -> None:
    with pytest.raises(ValueError, match="no such banner"), house.app.test_client() as client:
        changed = client.settings.change(banner="bad", max_items=30)
        (failed,) = changed.failed
        assert "banner raised ValueError: no such banner" in failed
        assert house.settings.max_items == 30  # the change stands
        raise ValueError("no such banner")


def test_a_strict_change_goes_back(house: House) -> None:
    with house.app.test_client() as client:
        client.settings.change(banner="good")
        with pytest.raises(
            InvalidArgument, match=r"version 2 was taken back, by version 3: .*no such banner"
        ):
            client.settings.change(banner="bad", max_items=30, strict=True)
        assert house.settings.now == Shop(banner="good")


def test_the_history_has_an_end(
    live: BlockingLive, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "MAX_HISTORY", 5)
    monkeypatch.setattr(keeper, "MAX_HISTORY", 5)
    for number in range(1, 9):
        live.change(max_items=number)
    assert [one.version for one in live.history()] == [8, 7, 6, 5, 4]
    assert [one.version for one in live.history(2, before=7)] == [6, 5]
    assert client.call("com.shop.settings.values_at", 3) == {"max_items": 3}
    with pytest.raises(InvalidArgument, match="version 2 is not kept; there are 3 to 8"):
        live.rollback(2)


def test_what_is_too_large(live: BlockingLive) -> None:
    with pytest.raises(PayloadTooLarge, match=r"would take 66,\d\d\d bytes; 65,536 is the most"):
        live.change(banner="x" * 66_000)


def test_values_of_a_test(house: House, live: BlockingLive, client: TestClient) -> None:
    with live.override(max_items=3):
        assert client.call("com.shop.order", 4) is False
    assert client.call("com.shop.order", 4) is True
    with pytest.raises(UsageError, match="There is no setting 'max'"), live.override(max=3):
        pass
    with pytest.raises(UsageError, match="does not fit"), live.override(max_items=0):
        pass


def test_what_is_pinned_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAMPAPP_SETTINGS_BANNER", "pinned")
    house = House()
    assert house.settings.banner == "pinned"
    with house.app.test_client() as client:
        with pytest.raises(InvalidArgument, match="banner is pinned by WAMPAPP_SETTINGS_BANNER"):
            client.settings.change(banner="x")
        client.settings.change(max_items=3)
        assert house.settings.now == Shop(banner="pinned", max_items=3)


def test_nobody_keeps_them() -> None:
    app = App(prefix="com.shop")
    settings = Live(app, Shop)

    @app.register
    async def change() -> None:
        with pytest.raises(NoSuchProcedure, match="Nobody serves com.shop.settings; call app.incl"):
            await settings.change(banner="x")

    with app.test_client() as client:
        client.call("com.shop.change")
        assert settings.now == Shop()


def test_nobody_has_them() -> None:
    app = App(prefix="com.shop")
    app.include(Live(app))
    with app.test_client() as client:
        with pytest.raises(InvalidArgument, match="nobody who has these settings is joined"):
            client.settings.change(banner="x")
        with pytest.raises(InvalidArgument, match="only in memory"):
            client.call("com.shop.settings.backup", "x")
