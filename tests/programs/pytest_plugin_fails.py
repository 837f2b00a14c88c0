"""Tests that fail, as a user's do."""

from wampapp import App

PRICES = {"tea": 3}

app = App(prefix="com.shop")


@app.register
def price(sku: str) -> int:
    return PRICES[sku]


def test_a_procedure_that_is_not_there() -> None:
    with app.test_client() as client:
        client.call(".prize", "tea")


def test_a_handler_that_raises() -> None:
    with app.test_client() as client:
        assert client.call(".price", "gold") == 5


def test_an_event_that_does_not_come() -> None:
    with app.test_client() as client:
        events = client.events(".ordered")
        events.wait_for(1, timeout=0.1)


def test_an_app_that_does_not_run() -> None:
    app.sync.publish(".ordered")
