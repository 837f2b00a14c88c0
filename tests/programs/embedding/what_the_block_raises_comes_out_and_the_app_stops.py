"""What the block raises comes out and the app stops."""

from shared import WORDS, is_free, make, others, run

port = int(WORDS[0])


async def main():
    app = make()
    try:
        async with app.running(port=port):
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    assert is_free(port)
    assert others() == []


run(main())
