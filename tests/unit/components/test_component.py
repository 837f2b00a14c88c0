"""What becomes of a component that cannot begin."""

import pytest

from wampapp import App, StoreError
from wampapp.components import KV, Component, Live, Tasks
from wampapp.errors import StorageFailed


class Broken(Component):
    NAME = "broken"

    async def open(self) -> None:
        raise StorageFailed("It could not be read. Try again later.")


def test_what_cannot_be_read_at_the_start_ends_the_run() -> None:
    app = App(prefix="com.shop")
    app.include(Broken(app))
    with (
        pytest.raises(
            StoreError,
            match=r"Its store cannot be opened: It could not be read\. Try again later\.",
        ),
        app.test_client(),
    ):
        pass


@pytest.mark.parametrize("kind", [KV, Live, Tasks])
def test_one_that_has_no_app(kind: type[Component], caplog: pytest.LogCaptureFixture) -> None:
    app = App(prefix="com.shop")
    app.include(kind(prefix="com.shop.x"))
    with (
        pytest.raises(StoreError, match=rf"{kind.__name__}\(\) has no app, so it cannot be served"),
        app.test_client(),
    ):
        pass
    assert not [one for one in caplog.records if one.exc_info]
