"""A second start in the same loop leaves nothing."""

from shared import WORDS, descriptors, make, others, run, threads, use

kind, url = WORDS


async def main():
    app = make()
    counts = []
    for _ in range(5):
        async with app.running(url):
            await use(app)
        assert others() == []
        assert [name for name in threads() if name.startswith("wampapp")] == []
        counts.append(descriptors())
    assert len(set(counts[1:])) == 1, counts


run(main(), kind)
assert threads() == []
