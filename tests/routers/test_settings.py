"""Live settings between real sessions: rolling deployments, races, and a keeper that goes away."""

import json
import stat
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from tests.support.company import DEADLINE, BaseCompany, cut
from tests.support.process import EmbeddedRouter
from wampapp import App, Conflict, InvalidArgument, NoSuchProcedure
from wampapp.components import Live, Settings
from wampapp.crossbar import Crossbar


class Shop(Settings):
    banner: str = ""
    max_items: int = 20


class Newer(Settings):
    """The next version: one setting more, one less, and one of another type."""

    max_items: float = 20.0
    free_shipping: bool = False


class Company(BaseCompany):
    """A keeper, and services that have the settings. Each has its session."""

    def keeper(self) -> ExitStack:
        """Start the keeper, and return what ends it."""
        app = App(prefix=self.prefix, name="keeper")
        app.include(Live(app, store=self.file))
        return self.running(app)

    def service(self, name: str, kind: type[Any] = Shop) -> Live[Any]:
        app = App(prefix=self.prefix, name=name)
        settings: Live[Any] = Live(app, kind)

        @settings.on_change()
        async def changed(new: Any, old: Any) -> None:
            self.said.put((name, settings.version))

        self.running(app)
        return settings

    def admin(self) -> Live[Any]:
        """A script that has no settings of its own."""
        return Live(self.client(), f"{self.prefix}.settings")

    def until(self, settings: Live[Any], version: int) -> None:
        while settings.version < version:
            self.heard()


@pytest.fixture
def company(
    router: EmbeddedRouter | Crossbar,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Company]:
    monkeypatch.chdir(tmp_path)
    with Company(router.rs_url, tmp_path, request) as company:
        yield company


def test_a_change_reaches_every_service(company: Company) -> None:
    company.keeper()
    first, second, admin = company.service("first"), company.service("second"), company.admin()
    changed = admin.sync.change(banner="hello", why="a sale", by="ann")
    assert (changed.version, changed.failed, changed.silent) == (1, [], [])
    # It is everywhere when the change returns.
    assert (first.banner, second.banner) == ("hello", "hello")
    assert {company.heard(), company.heard()} == {("first", 1), ("second", 1)}
    third = company.service("third")
    assert (third.banner, third.version) == ("hello", 1)
    assert [(one.by, one.why) for one in first.sync.history()] == [("ann", "a sale")]
    with pytest.raises(InvalidArgument, match=r"max_items: expected int, got str \((first|sec|th)"):
        second.sync.change(max_items="x")


def test_everybody_can_listen(company: Company) -> None:
    company.keeper()
    company.service("shop").sync.change(banner="hello")
    said: SimpleQueue[Any] = SimpleQueue()

    def changed(version: int, values: dict[str, Any]) -> None:
        said.put((version, values))

    client = company.client()
    client.subscribe(f"{company.prefix}.settings.changed", changed, get_retained=True)
    assert said.get(timeout=DEADLINE) == (1, {"banner": "hello"})
    company.admin().sync.change(max_items=3)
    assert said.get(timeout=DEADLINE) == (2, {"banner": "hello", "max_items": 3})


def test_two_admins_race(company: Company) -> None:
    company.keeper()
    service = company.service("shop")
    admins = [company.admin() for _ in range(2)]
    outcomes: list[str] = []
    start = threading.Barrier(2)

    def race(admin: Live[Any], value: int) -> None:
        start.wait(DEADLINE)
        try:
            admin.sync.change(max_items=value, expect=0)
            outcomes.append("changed")
        except Conflict as error:
            assert error.current == {"version": 1}
            outcomes.append("conflict")

    threads = [
        threading.Thread(target=race, args=(admin, number))
        for number, admin in enumerate(admins, start=1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert sorted(outcomes) == ["changed", "conflict"]
    assert (service.version, len(service.sync.history())) == (1, 1)
    assert service.max_items in (1, 2)


def test_a_rolling_deployment(company: Company, caplog: pytest.LogCaptureFixture) -> None:
    company.keeper()
    older = company.service("older")
    older.sync.change(banner="hello", max_items=30)
    newer = company.service("newer", Newer)
    assert newer.now == Newer(max_items=30.0)
    assert any("have different types for the setting max_items" in text for text in caplog.messages)
    # What only one of them has is checked by that one; what both have, by both.
    newer.sync.change(free_shipping=True)
    assert newer.free_shipping is True
    older.sync.change(banner="bye")
    with pytest.raises(InvalidArgument, match=r"max_items: expected int, got float \(older"):
        newer.sync.change(max_items=2.5)
    newer.sync.change(max_items=25)
    assert (older.max_items, newer.max_items) == (25, 25.0)


def test_after_a_rolling_deployment(company: Company, caplog: pytest.LogCaptureFixture) -> None:
    company.keeper()
    newer = company.service("newer", Newer)
    newer.sync.change(max_items=2.5)
    # An older service that is started again takes what fits, and says what does not.
    older = company.service("older")
    assert older.now == Shop()
    assert any("max_items does not fit here" in text for text in caplog.messages)
    with pytest.raises(InvalidArgument, match="there is no setting 'free_shiping'; did you mean"):
        newer.sync.change(free_shiping=True)
    back = newer.sync.rollback(0)
    assert back.version == 2
    assert newer.now == Newer()


def test_a_service_that_was_away(company: Company) -> None:
    company.keeper()
    here, away = company.service("here"), company.service("away")
    cut(away.host)
    here.sync.change(banner="hello")
    company.until(away, 1)
    assert away.banner == "hello"
    here.sync.change(banner="again")
    company.until(away, 2)
    assert (here.banner, away.banner) == ("again", "again")


def test_the_keeper_goes_away(company: Company, caplog: pytest.LogCaptureFixture) -> None:
    keeper = company.keeper()
    service = company.service("shop")
    service.sync.change(banner="hello")
    file = Path("instance") / f"{company.prefix}.settings.json"
    while json.loads(file.read_text())["version"] != 1:
        pass
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    keeper.close()
    assert service.banner == "hello"
    with pytest.raises(NoSuchProcedure, match=r"Nobody serves com\.company\.\S+; call"):
        service.sync.change(banner="x")
    # A service that starts now has what was last known.
    other = company.service("other")
    assert (other.banner, other.version) == ("hello", 1)
    assert any("Until then, version 1 count" in text for text in caplog.messages)
    company.keeper()
    changed = False
    while not changed:
        try:
            service.sync.change(banner="back")
            changed = True
        except InvalidArgument as error:  # the services may not be back yet
            assert "nobody who has these settings is joined" in str(error)
    company.until(service, 2)
    company.until(other, 2)
    assert (service.banner, other.banner) == ("back", "back")


def test_a_service_never_goes_back(company: Company, caplog: pytest.LogCaptureFixture) -> None:
    keeper = company.keeper()
    service = company.service("shop")
    admin = company.admin()
    admin.sync.change(banner="one")
    admin.client_here.call(f"{company.prefix}.settings.backup", "copy.sqlite")
    admin.sync.change(banner="two")
    keeper.close()
    # An older copy takes the place of the keeper's data.
    company.file.with_name("copy.sqlite").replace(company.file)
    company.keeper()
    while not any("was a backup restored?" in text for text in caplog.messages):
        pass
    assert (service.banner, service.version) == ("two", 2)
    # Their versions grow past the one that was seen, and then count again.
    number = 0
    while service.version < 3:
        number += 1
        admin.sync.change(max_items=number)
    assert (service.max_items, number) == (2, 2)


def test_a_service_that_hangs_is_named(company: Company) -> None:
    company.keeper()
    service = company.service("shop")
    client = company.client()
    about = {
        "service": "hung",
        "names": ["max_items"],
        "pinned": [],
        "schema": {},
        "defaults": {"max_items": 1},
    }
    stream = client.stream(f"{company.prefix}.settings.attach", about)
    assert next(stream)["version"] == 0
    changed = service.sync.change(max_items=7)
    assert (changed.version, changed.silent, service.max_items) == (1, ["hung"], 7)
    stream.close()
