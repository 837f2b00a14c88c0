"""A realm that is refused leaves nothing."""

from shared import WORDS, afails, descriptors, fails, make, others, run, threads, use

from wampapp import NotJoined, RouterRefused

kind, url = WORDS


async def main():
    app = make()
    for _ in range(2):
        try:
            await app.start(url, realm="realm.nowhere")
        except RouterRefused as error:
            assert error.reason == "wamp.error.no_such_realm"
        else:
            raise AssertionError
        assert others() == []
    counts = []
    for _ in range(3):
        await afails(RouterRefused, app.running(url, realm="realm.nowhere").__aenter__())
        counts.append(descriptors())
    assert len(set(counts)) == 1, counts
    assert await app.stop() is None
    assert "not running" in fails(NotJoined, lambda: app.call(".add", 2, 3))
    async with app.running(url):
        await use(app)
    assert others() == []


run(main(), kind)
assert threads() == []
