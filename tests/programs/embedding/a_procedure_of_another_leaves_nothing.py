"""A procedure of another leaves nothing."""

from shared import MINE, WORDS, afails, make, others, run, threads, use

from wampapp import App, NoSuchProcedure, RouterRefused

kind, url = WORDS


async def main():
    holder, app = App(prefix=MINE), make()
    holder.add_registration(lambda: "held", ".blocking")
    async with holder.running(url):
        sentence = await afails(RouterRefused, app.start(url))
        assert f"{MINE}.blocking" in sentence
        assert await holder.call(".blocking") == "held"
        # What the app had registered before it was refused is gone with its session.
        for _ in range(1000):
            try:
                await holder.call(".add", 2, 3)
            except NoSuchProcedure:
                break
        else:
            raise AssertionError
    async with app.running(url):
        await use(app)
    assert others() == []


run(main(), kind)
assert threads() == []
