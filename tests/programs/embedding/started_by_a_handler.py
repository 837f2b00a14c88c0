"""An app that another's handler starts, inside app.run()."""

from shared import WORDS, make, use

outer, inner = make(), make("com.inner")


@outer.register
async def nest():
    async with inner.running(WORDS[0]):
        await use(inner)
    return "nested"


outer.run(WORDS[0])
