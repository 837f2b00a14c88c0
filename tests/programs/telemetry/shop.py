"""A shop that collects its logs and numbers, and says how it is."""

import logging
import time
from pathlib import Path

from wampapp import App
from wampapp.components import Telemetry

app = App(prefix="com.shop", name="shop")
telemetry = Telemetry(app)
app.include(telemetry)

orders = telemetry.counter("orders", "Orders placed", "country")
logger = logging.getLogger("shop.orders")


@app.register
async def order(sku: str, country: str = "de") -> int:
    """Order something, and return which worker took the order."""
    logger.info("ordered %s", sku, extra={"sku": sku, "card_token": "4111"})
    orders.inc(country=country)
    return app.worker.number


@app.register
def refuse(why: str) -> None:
    """Fail."""
    raise ValueError(why)


@app.register(run="loop")
def block(seconds: float) -> None:
    """Block the loop, as no handler should."""
    time.sleep(seconds)


@app.health("cellar")
def cellar() -> None:
    """Look whether the cellar is dry."""
    if Path("flood").exists():
        raise RuntimeError("the cellar is under water, and its password is 4711")
