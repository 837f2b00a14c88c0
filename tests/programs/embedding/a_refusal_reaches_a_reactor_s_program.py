"""A refusal reaches a reactor's program."""

from on_reactor import done, make_twisted, react, url, use_twisted
from shared import afails, fails

from wampapp import RouterRefused, UsageError


async def main(_):
    app = make_twisted()
    assert "realm.nowhere" in await afails(RouterRefused, app.start(url, realm="realm.nowhere"))
    await app.start(url)
    await use_twisted(app)
    assert "once at a time" in fails(UsageError, app.start)
    await app.stop()
    await app.stop()
    done(app)


react(main)
