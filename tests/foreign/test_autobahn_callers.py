"""Callers that stayed with Autobahn find what they know when their callee has moved to us."""

import sys
from typing import Any

import pytest
from autobahn import wamp
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CallResult, RegisterOptions

from tests.support.process import EmbeddedRouter, run
from tests.support.programs import FOLDER
from tests.support.running import running
from wampapp import App
from wampapp.crossbar import Crossbar

pytestmark = pytest.mark.processes


@wamp.error("com.moved.shop.sold_out")
class SoldOut(Exception):
    def __init__(self, sku: str) -> None:
        super().__init__(sku)
        self.sku = sku


class Shop:
    @wamp.register("com.moved.shop.order")
    def order(self, sku: str) -> None:
        raise SoldOut(sku)

    @wamp.register("com.moved.shop.refuse")
    def refuse(self) -> None:
        raise ApplicationError("com.moved.shop.closed", 1, hour=9)

    @wamp.register("com.moved.shop.checked", check_types=True)
    def checked(self, number: int) -> int:
        return number

    @wamp.register("com.moved.shop.count", options=RegisterOptions(details=True))
    def count(self, upto: int, details: Any) -> int:
        for number in range(upto):
            details.progress(number)
        return upto

    @wamp.register("com.moved.shop.several")
    def several(self) -> CallResult:
        return CallResult(1, 2, x=3)


EXPECTED = """\
sold out: apple
refused: com.moved.shop.closed (1,) {'hour': 9}
checked: wamp.error.type_check_error
counted: [0, 1, 2] 3
several: (1, 2) {'x': 3}
"""


def test_a_caller_on_autobahn(router: EmbeddedRouter | Crossbar) -> None:
    app = App()
    app.include(Shop)
    with running(app, router.rs_url):
        done = run(sys.executable, FOLDER / "autobahn_caller.py", router.ws_url)
    assert (done.returncode, done.stdout) == (0, EXPECTED), done.stderr
