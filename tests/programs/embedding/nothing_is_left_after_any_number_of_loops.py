"""Nothing is left after any number of loops."""

from shared import WORDS, descriptors, make, others, run, threads, use

kind, url = WORDS
app = make()


async def main():
    async with app.running(**({"url": url} if url else {"port": 0})):
        await use(app)
    assert others() == []


def rounds(number):
    for _ in range(number):
        run(main(), kind)
    assert threads() == []
    return descriptors()


before = rounds(2)  # the first has opened what stays open: /dev/urandom, and the like
after = rounds(5)
assert after == before, (before, after)
