"""A first WAMP service: one procedure and one topic."""

from wampapp import App

app = App(prefix="com.example")


@app.register
def add(a: int, b: int) -> int:
    """Return the sum of two numbers."""
    return a + b


@app.subscribe("com.example.hello")
async def on_hello(name: str) -> None:
    """Log who says hello."""
    app.log(f"{name} says hello")


if __name__ == "__main__":
    app.run()
