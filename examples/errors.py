"""Errors: exceptions that travel both ways, and a handler for those of a library."""

from wampapp import App, WampError

app = App(prefix="com.example")
stock = {"apple": 3}


class OutOfStock(Exception):
    """There is not enough of an article."""

    def __init__(self, sku: str, left: int) -> None:
        super().__init__(f"only {left} of {sku} left")
        self.sku = sku
        self.left = left


app.define_error(OutOfStock, ".out_of_stock")


@app.register
def order(sku: str, quantity: int = 1) -> int:
    """Order an article and return what is left."""
    if stock[sku] < quantity:
        raise OutOfStock(sku, stock[sku])
    stock[sku] -= quantity
    return stock[sku]


@app.errorhandler(KeyError)
def no_such_article(error: KeyError) -> None:
    """Answer for an article that is not in stock at all."""
    raise WampError("com.example.no_such_article", str(error.args[0]))


@app.register
async def order_all(sku: str) -> int:
    """Order everything that is left of an article, and return how many."""
    try:
        await app.call(".order", sku, quantity=1_000_000)
    except OutOfStock as error:
        await app.call(".order", sku, quantity=error.left)
        return error.left
    return 0


if __name__ == "__main__":
    app.run()
