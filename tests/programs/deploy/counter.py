"""Counts how often each number was told, whatever becomes of the answers."""

from collections import Counter

from wampapp import App

app = App(prefix="com.shop", name="counter")
told: Counter[int] = Counter()


@app.register
async def tell(number: int) -> int:
    """Take a number, and return it."""
    told[number] += 1
    return number


@app.register
async def times(numbers: list[int]) -> list[int]:
    """Return how often numbers were told."""
    return [told[number] for number in numbers]
