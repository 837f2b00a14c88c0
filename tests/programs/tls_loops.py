import asyncio
import sys

from wampapp import App, Tls


async def main():
    app = App(sys.argv[1], tls=Tls(ca=sys.argv[2]))
    async with app.running():
        return await app.call("wamp.session.count")


for _ in range(2):
    print(asyncio.run(main()))
