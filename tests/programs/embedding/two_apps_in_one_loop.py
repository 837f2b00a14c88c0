"""Two apps in one loop."""

from shared import WORDS, afails, is_free, make, others, run, threads, use

from wampapp import NoSuchProcedure

kind, port = WORDS[0], int(WORDS[1])


async def main():
    first, second = make("com.first"), make("com.second")
    async with first.running(port=port):
        async with second.running(port=port):  # joins the router of the first
            await use(first)
            await use(second)
            assert await first.call("com.second.blocking", 2, 3) == 5
            assert await second.call("com.first.blocking", 2, 3) == 5
        await use(first)
        assert "no_such_procedure" in await afails(
            NoSuchProcedure, first.call("com.second.add", 2, 3)
        )
    assert is_free(port)
    assert others() == []


for _ in range(2):
    run(main(), kind)
assert threads() == []
