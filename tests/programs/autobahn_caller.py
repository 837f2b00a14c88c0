"""A caller that stayed with Autobahn: it calls what has moved, and prints what it gets."""

import sys

from autobahn import wamp
from autobahn.asyncio.component import Component, run
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CallOptions

component = Component(
    transports=[{"type": "websocket", "url": sys.argv[1], "max_retries": 0}], realm="realm1"
)


@wamp.error("com.moved.shop.sold_out")
class SoldOut(Exception):
    def __init__(self, sku):
        super().__init__(sku)
        self.sku = sku


async def error_of(session, procedure, *args):
    try:
        await session.call(procedure, *args)
    except ApplicationError as error:
        return error
    return None


@component.on_join
async def joined(session, details):
    session.define(SoldOut)
    try:
        await session.call("com.moved.shop.order", "apple")
    except SoldOut as error:
        print("sold out:", error.sku)
    refused = await error_of(session, "com.moved.shop.refuse")
    print("refused:", refused.error, refused.args, refused.kwargs)
    checked = await error_of(session, "com.moved.shop.checked", "x")
    print("checked:", checked.error)
    got = []
    options = CallOptions(on_progress=got.append)
    total = await session.call("com.moved.shop.count", 3, options=options)
    print("counted:", got, total)
    several = await session.call("com.moved.shop.several")
    print("several:", several.results, several.kwresults)
    await session.leave()


run([component], log_level="error")
