"""The tickets by which pages join a router that asks the app about them."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from itsdangerous import URLSafeTimedSerializer

from wampapp import App, DuplicateUri, InvalidUri, NotAuthorized
from wampapp.web import PageTickets

#: Asks the app as a router does.
Find = Callable[[Any], dict[str, str]]


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> App:
    monkeypatch.setenv("WAMPAPP_SECRET_KEY", "only a test")
    return App(prefix="com.shop")


@pytest.fixture
def tickets(app: App) -> PageTickets:
    return PageTickets(app, ".authenticate")


@pytest.fixture
def find(app: App, tickets: PageTickets) -> Iterator[Find]:
    with app.test_client() as client:
        yield lambda ticket: client.call(".authenticate", "realm1", "page", {"ticket": ticket})


def test_a_ticket_is_for_one_page(tickets: PageTickets, find: Find) -> None:
    first, second = (tickets.issue("Zoë", "member") for _ in range(2))
    for ticket in (first, second):
        assert find(ticket) == {"authid": "Zoë", "role": "member"}
    with pytest.raises(NotAuthorized, match="used already"):
        find(first)


@pytest.mark.parametrize("ticket", ["", "made up", None, 5, ["a"]])
def test_what_is_no_ticket_is_refused(find: Find, ticket: Any) -> None:
    with pytest.raises(NotAuthorized, match="not valid"):
        find(ticket)


@pytest.mark.parametrize(
    ("key", "salt"),
    [("another", "wampapp-page-ticket"), ("only a test", "cookie-session")],
    ids=["another key", "a session's cookie"],
)
def test_what_was_signed_otherwise_is_refused(find: Find, key: str, salt: str) -> None:
    text = URLSafeTimedSerializer(key, salt=salt).dumps(["root", "admin", "1"])
    with pytest.raises(NotAuthorized, match="not valid"):
        find(text)
    right = URLSafeTimedSerializer("only a test", salt="wampapp-page-ticket")
    assert find(right.dumps(["root", "admin", "1"]))["authid"] == "root"


def test_an_old_ticket_is_refused_and_forgotten(
    tickets: PageTickets, find: Find, monkeypatch: pytest.MonkeyPatch
) -> None:
    used, late = (tickets.issue("Zoë", "member") for _ in range(2))
    find(used)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 32)
    for ticket in (used, late):
        with pytest.raises(NotAuthorized, match="too old"):
            find(ticket)
    find(tickets.issue("Zoë", "member"))
    assert len(tickets._used) == 1


@pytest.mark.usefixtures("tickets")
def test_the_procedure_is_one_like_any_other(app: App) -> None:
    with pytest.raises(DuplicateUri, match=r"com\.shop\.authenticate"):
        PageTickets(app, ".authenticate")
    with pytest.raises(InvalidUri):
        PageTickets(app, "com..shop")
