"""A blocking verb off a run says so."""

from shared import WORDS, fails, make, run, threads, use

from wampapp import NotJoined

app = make()


async def main():
    async with app.running(WORDS[0]):
        await use(app)
    assert "not running" in fails(NotJoined, lambda: app.sync.call(".add", 2, 3))


assert "not running" in fails(NotJoined, lambda: app.sync.call(".add", 2, 3))
run(main())
assert "not running" in fails(NotJoined, lambda: app.sync.call(".add", 2, 3))
assert threads() == []
