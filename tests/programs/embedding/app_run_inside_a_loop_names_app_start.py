"""App run inside a loop names app start."""

from shared import WORDS, make, run, threads, use

kind, url = WORDS
import contextlib
import io

app = make()


def told():
    with contextlib.redirect_stderr(io.StringIO()) as said:
        try:
            app.run(url)
        except SystemExit as end:
            assert end.code == 2
        else:
            raise AssertionError
    assert said.getvalue() == (
        "Error: An event loop runs in this thread already, so app.run() cannot start "
        "another; use 'await app.start()' or 'async with app.running():' in it.\n"
    ), said.getvalue()


async def main():
    told()
    async with app.running(url):
        told()
        await use(app)


run(main(), kind)
assert threads() == []
