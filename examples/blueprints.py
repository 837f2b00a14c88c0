"""Blueprints: write a part of a service once and include it under many prefixes."""

from wampapp import App, Blueprint

orders = Blueprint(".orders")


@orders.register
def place(sku: str, quantity: int = 1) -> str:
    """Place an order."""
    return f"{quantity} x {sku}"


@orders.register(".<number>.status")
def status(number: int) -> str:
    """Return where an order is."""
    return f"order {number} is on its way"


app = App(prefix="com.example")
app.include(orders)
app.include(orders, prefix=".v2.orders")


@app.on_startup
def open_shop() -> None:
    """Log that the shop is open."""
    app.log("the shop is open")


@app.on_shutdown
def close_shop() -> None:
    """Log that the shop is closed."""
    app.log("the shop is closed")


if __name__ == "__main__":
    app.run()
