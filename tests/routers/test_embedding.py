"""An app in a program's own event loop: asyncio's, uvloop's, or a Twisted reactor of any kind.

A process has one reactor that modules import, so each program runs in a process of its own, in
Python's development mode, and must end by itself with nothing left and nothing to complain of.
"""

import signal
import subprocess
import sys
import textwrap

import pytest

from tests.support.process import EmbeddedRouter, Process, environment
from wampapp import NoSuchProcedure, connect
from wampapp.crossbar import Crossbar

pytestmark = pytest.mark.processes

DEADLINE = 60.0  # seconds
Router = EmbeddedRouter | Crossbar

#: passlib, which Autobahn imports where it is installed, asks for a module that goes with 3.13.
WARNINGS = ("-X", "dev", "-W", "error", "-W", "ignore:'crypt' is deprecated:DeprecationWarning")

PREAMBLE = '''
import asyncio, collections, gc, logging, os, queue, signal, socket, sys, threading
import wampapp
from wampapp import *

signal.alarm(50)  # seconds; the end of a program that hangs
WORDS = sys.argv[1:]
MINE = f"com.embed.p{os.getpid()}"
# Importing Autobahn takes longer than what asyncio finds right in its debug mode.
logging.getLogger("asyncio").addFilter(lambda record: " took " not in record.getMessage())

def make(prefix=MINE, **options):
    """An app with a handler of each kind."""
    app = App(prefix=prefix, **options)
    app.heard = collections.deque()
    app.news = queue.SimpleQueue()

    @app.register
    def add(a: int, b: int) -> int:
        return a + b

    @app.register
    async def through(a: int, b: int) -> int:
        return await app.call(".add", a, b)

    @app.register
    def blocking(a: int, b: int) -> int:
        return app.sync.call(".through", a, b)

    @app.register(run="loop")
    def at_once(a: int, b: int) -> int:
        return a + b

    @app.register
    def count(most: int):
        yield from range(most)

    @app.register
    async def count_async(most: int):
        for number in range(most):
            yield number

    @app.subscribe(".event")
    def on_event(item):
        app.news.put(item)
        return None

    return app

async def use(app):
    """Call each handler, and publish."""
    for name in (".add", ".through", ".blocking", ".at_once"):
        assert await app.call(name, 2, 3) == 5, name
    for name in (".count", ".count_async"):
        assert [item async for item in app.stream(name, 3)] == [0, 1, 2], name
    await app.topic(".event", acknowledge=True, exclude_me=False).publish("to all")
    assert await asyncio.to_thread(app.news.get, timeout=20) == "to all"

def runner(kind):
    """What runs a new event loop of this kind: asyncio's own, or uvloop's."""
    if kind == "uvloop":
        import uvloop
        return asyncio.Runner(loop_factory=uvloop.new_event_loop)
    return asyncio.Runner(loop_factory=asyncio.SelectorEventLoop)

def run(main, kind="asyncio"):
    with runner(kind) as runs:
        return runs.run(main)

def others():
    """The tasks of the running loop besides the calling one."""
    return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]

def fails(kind, work):
    try:
        work()
    except kind as error:
        return str(error)
    raise AssertionError(f"no {kind.__name__}")

async def afails(kind, awaitable):
    try:
        await awaitable
    except kind as error:
        return str(error)
    raise AssertionError(f"no {kind.__name__}")

def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

def is_free(port):
    """Whether nobody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0

def threads():
    """The threads besides the main one, when those that are about to end have ended."""
    for thread in threading.enumerate():
        if thread.name == "wampapp":  # a worker, whose pool is closed
            thread.join(20)
    main = threading.main_thread()
    return [thread.name for thread in threading.enumerate() if thread is not main]

def descriptors():
    """How many file descriptors are open."""
    gc.collect()
    return len(os.listdir("/proc/self/fd"))

def connections(url):
    """How many connections with the router at the URL are open, or about to close."""
    port = f":{int(url.split(':')[2].partition('/')[0]):04X}"
    with open("/proc/self/net/tcp") as table:
        rows = [row.split() for row in table][1:]
    held = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            held.add(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            pass
    return len([row for row in rows if row[2].endswith(port) and f"socket:[{row[9]}]" in held])
'''


def program(code: str, *words: object, preamble: str = PREAMBLE) -> str:
    """Run a program to its end; it complains of nothing. Return what it prints."""
    done = subprocess.run(
        [sys.executable, *WARNINGS, "-c", preamble + textwrap.dedent(code), *map(str, words)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


@pytest.fixture(params=["rs", "ws"])
def url(request: pytest.FixtureRequest, embedded: EmbeddedRouter) -> str:
    """Each transport of our own router: what differs here is the loop."""
    return embedded.rs_url if request.param == "rs" else embedded.ws_url


@pytest.fixture(params=["asyncio", "uvloop"])
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    name: str = request.param
    return name


# Loops of asyncio.


def test_it_runs_in_one_loop_after_another(kind: str, url: str) -> None:
    program(
        """
        kind, url = WORDS
        app = make()

        async def main():
            async with app.running(url) as same:
                assert same is app
                await use(app)
            assert others() == []

        async def by_hand():
            assert await app.start(url) is None
            await use(app)
            assert await app.stop() is None
            assert others() == []

        for _ in range(2):
            run(main(), kind)
            run(by_hand(), kind)
            assert threads() == []
        """,
        kind,
        url,
    )


def test_it_carries_its_own_router(kind: str, free_port: int) -> None:
    program(
        """
        kind, port = WORDS[0], int(WORDS[1])
        app = make()

        def visit():
            with connect(f"ws://127.0.0.1:{port}/ws", timeout=20) as client:
                return client.call(f"{MINE}.blocking", 2, 3)

        async def main():
            async with app.running(port=port):
                await use(app)
                assert await asyncio.to_thread(visit) == 5
            assert is_free(port)
            assert others() == []

        for _ in range(3):
            run(main(), kind)
        """,
        kind,
        free_port,
    )


@pytest.mark.parametrize("own", [False, True])
def test_nothing_is_left_after_any_number_of_loops(
    kind: str, embedded: EmbeddedRouter, own: bool
) -> None:
    program(
        """
        kind, url = WORDS
        app = make()

        async def main():
            async with app.running(**({"url": url} if url else {"port": 0})):
                await use(app)
            assert others() == []

        def rounds(number):
            for _ in range(number):
                run(main(), kind)
            assert threads() == []
            return descriptors()

        before = rounds(2)  # the first has opened what stays open: /dev/urandom, and the like
        after = rounds(5)
        assert after == before, (before, after)
        """,
        kind,
        "" if own else embedded.rs_url,
    )


def test_a_second_start_in_the_same_loop_leaves_nothing(
    kind: str, embedded: EmbeddedRouter
) -> None:
    program(
        """
        kind, url = WORDS

        async def main():
            app = make()
            counts = []
            for _ in range(5):
                async with app.running(url):
                    await use(app)
                assert others() == []
                assert [name for name in threads() if name.startswith("wampapp")] == []
                counts.append(descriptors())
            assert len(set(counts[1:])) == 1, counts

        run(main(), kind)
        assert threads() == []
        """,
        kind,
        embedded.rs_url,
    )


def test_the_connection_is_closed_when_the_stop_is_done(kind: str, url: str) -> None:
    program(
        """
        kind, url = WORDS
        app = make()

        async def main():
            for _ in range(3):
                async with app.running(url):
                    await use(app)
                    assert connections(url) == 1
                assert connections(url) == 0

        run(main(), kind)
        """,
        kind,
        url,
    )


def test_it_runs_in_a_loop_of_another_thread(kind: str, embedded: EmbeddedRouter) -> None:
    program(
        """
        kind, url = WORDS
        app = make()

        async def main():
            async with app.running(url):
                await use(app)
            return threading.current_thread() is not threading.main_thread()

        for _ in range(2):
            seen = []
            thread = threading.Thread(target=lambda: seen.append(run(main(), kind)))
            thread.start()
            thread.join()
            assert seen == [True]
        assert threads() == []
        """,
        kind,
        embedded.rs_url,
    )


def test_what_the_block_raises_comes_out_and_the_app_stops(free_port: int) -> None:
    program(
        """
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
        """,
        free_port,
    )


def test_options_go_where_those_of_run_go(embedded: EmbeddedRouter) -> None:
    program(
        """
        async def main():
            app = make("com.options", realm="realm.app")

            @app.register
            def fail():
                raise ZeroDivisionError("so much")

            def visit():
                with connect(WORDS[0], "realm.asked", timeout=20) as client:
                    assert client.call("com.options.add", 2, 3) == 5
                    return fails(HandlerFailed, lambda: client.call("com.options.fail"))

            logging.getLogger("com.options").setLevel(logging.CRITICAL)
            async with app.running(WORDS[0], realm="realm.asked", debug=True):
                assert "ZeroDivisionError: so much" in await asyncio.to_thread(visit)

        run(main())
        """,
        embedded.rs_url,
    )


def test_the_environment_counts(embedded: EmbeddedRouter) -> None:
    program(
        """
        os.environ["WAMPAPP_URL"] = WORDS[0]
        os.environ["WAMPAPP_REALM"] = "realm.environment"

        def visit():
            with connect(timeout=20) as client:
                return client.call(f"{MINE}.add", 2, 3)

        async def main():
            async with make().running():
                assert await asyncio.to_thread(visit) == 5

        run(main())
        """,
        embedded.rs_url,
    )


def test_many_calls_at_one_time(kind: str, url: str) -> None:
    program(
        """
        kind, url = WORDS

        async def main():
            app = make()
            async with app.running(url):
                results = await asyncio.gather(
                    *(app.call(name, number, 1)
                      for number in range(200) for name in (".add", ".through", ".blocking"))
                )
            assert results == [number + 1 for number in range(200) for _ in range(3)]

        run(main(), kind)
        """,
        kind,
        url,
    )


# More than one, more than once.


def test_two_apps_in_one_loop(kind: str, free_port: int) -> None:
    program(
        """
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
        """,
        kind,
        free_port,
    )


def test_starting_twice_is_told(embedded: EmbeddedRouter) -> None:
    program(
        """
        sentence = f"<App {MINE!r}> runs already; it runs once at a time."

        async def main():
            app = make()
            starting = app.start(WORDS[0])
            assert fails(UsageError, app.start) == sentence
            await starting
            assert fails(UsageError, app.start) == sentence
            assert await afails(UsageError, app.running().__aenter__()) == sentence
            await use(app)
            await app.stop()
            async with app.running(WORDS[0]):
                await use(app)

        run(main())
        """,
        embedded.rs_url,
    )


def test_stopping_what_does_not_run_does_nothing(embedded: EmbeddedRouter) -> None:
    program(
        """
        async def main():
            app = make()
            assert await app.stop() is None
            await app.start(WORDS[0])
            await app.stop()
            assert await app.stop() is None

        run(main())
        """,
        embedded.rs_url,
    )


HOLDING = """
        app = make(grace=600)
        began, release = asyncio.Event(), asyncio.Event()

        @app.register
        async def hold():
            began.set()
            await release.wait()
            return "released"
"""


def test_a_running_handler_may_finish_when_the_app_stops(
    kind: str, embedded: EmbeddedRouter
) -> None:
    program(
        """
        kind, url = WORDS

        async def main():
            app = make(grace=600)
            began, release = threading.Event(), threading.Event()

            @app.register
            def hold():
                began.set()
                assert release.wait(20)
                return app.sync.call("com.helping.add", 2, 3)

            def ask():
                with connect(url, timeout=30) as client:
                    return client.call(f"{MINE}.hold")

            async with app.running(url):
                asking = asyncio.create_task(asyncio.to_thread(ask))
                assert await asyncio.to_thread(began.wait, 20)
                stopping = asyncio.ensure_future(app.stop())
                await asyncio.sleep(0)
                release.set()
                await stopping
            assert await asking == 5

        async def whole():
            async with make("com.helping").running(url):
                await main()

        run(whole(), kind)
        """,
        kind,
        embedded.rs_url,
    )


def test_it_is_stopped_where_it_runs(kind: str, embedded: EmbeddedRouter) -> None:
    program(
        """
        kind, url = WORDS

        async def elsewhere(app):
            return fails(WrongThread, app.stop)

        async def main():
            app = make()
            async with app.running(url):
                sentence = await asyncio.to_thread(fails, UsageError, app.stop)
                assert sentence.startswith("No event loop runs in this thread"), sentence
                sentence = await asyncio.to_thread(run, elsewhere(app), kind)
                assert sentence == f"{app!r} runs in another event loop; stop it there."
                for verb in ("call", "publish"):
                    work = lambda: getattr(app, verb)(".add", 2, 3)
                    sentence = await asyncio.to_thread(fails, WrongThread, work)
                    assert f"app.sync.{verb}()" in sentence
                await use(app)

        run(main(), kind)
        """,
        kind,
        embedded.rs_url,
    )


@pytest.mark.parametrize("first", ["nothing", "app", "client"])
def test_without_a_running_loop_a_sentence_says_so(first: str, embedded: EmbeddedRouter) -> None:
    program(
        """
        first, url = WORDS
        app = make()

        async def main():
            async with app.running(url):
                pass

        if first == "app":
            run(main())
        if first == "client":
            connect(url).close()
        for work in (app.start, app.stop):
            assert fails(UsageError, work) == (
                "No event loop runs in this thread: await app.start() in one, or use app.run()."
            )
        run(main())  # as ever
        """,
        first,
        embedded.rs_url,
    )


# A start that comes to nothing.


def test_a_realm_that_is_refused_leaves_nothing(kind: str, crossbar: Crossbar) -> None:
    program(
        """
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
        """,
        kind,
        crossbar.rs_url,
    )


def test_a_procedure_of_another_leaves_nothing(kind: str, router: Router) -> None:
    program(
        """
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
        """,
        kind,
        router.rs_url,
    )


def test_a_port_that_something_else_holds_leaves_nothing(free_port: int) -> None:
    program(
        """
        port = int(WORDS[0])

        async def main():
            app = make(handshake_timeout=0.2)
            with socket.create_server(("127.0.0.1", port)):
                assert str(port) in await afails(PortInUse, app.start(port=port))
                assert others() == []
            async with app.running(port=port):
                await use(app)
            assert others() == []

        run(main())
        """,
        free_port,
    )


@pytest.mark.parametrize("moment", ["startup", "join"])
def test_a_hook_that_fails_leaves_nothing(moment: str, free_port: int) -> None:
    program(
        """
        moment, port = WORDS[0], int(WORDS[1])
        logging.disable()

        async def main():
            app = make()
            fail = True

            @getattr(app, f"on_{moment}")
            async def hook():
                if fail:
                    raise ZeroDivisionError("so much")

            assert "so much" in await afails(HookFailed, app.start(port=port))
            assert is_free(port)
            assert others() == []
            fail = False
            async with app.running(port=port):
                await use(app)

        run(main())
        assert threads() == []
        """,
        moment,
        free_port,
    )


def test_a_mistake_in_the_options_leaves_nothing(embedded: EmbeddedRouter) -> None:
    program(
        """
        async def main():
            app = make()
            fails(InvalidUrl, lambda: app.start("http://127.0.0.1"))
            fails(UsageError, lambda: app.start(realm="no realm"))
            fails(UsageError, lambda: app.start(port=-1))
            async with app.running(WORDS[0]):
                await use(app)

        run(main())
        """,
        embedded.rs_url,
    )


# A start that is given up.


@pytest.mark.parametrize(
    "way", ["at once", "waiting", "timeout", "no time", "block", "block at once"]
)
def test_a_start_that_is_cancelled_leaves_nothing(
    kind: str, embedded: EmbeddedRouter, free_port: int, way: str
) -> None:
    program(
        """
        kind, url, way, port = WORDS
        nowhere = f"rs://127.0.0.1:{port}"

        class Waiting(logging.Handler):
            def emit(self, record):
                if "Trying again" in record.getMessage():
                    asyncio.get_running_loop().call_soon(waits.set)

        logging.getLogger("wampapp").addHandler(Waiting())
        waits = asyncio.Event()

        async def block():
            async with app.running(nowhere):
                raise AssertionError

        async def main():
            if way == "timeout":
                await afails(TimeoutError, asyncio.wait_for(app.start(nowhere), 0.5))
                return
            if way == "no time":
                await afails(TimeoutError, asyncio.wait_for(app.start(nowhere), 0))
                return
            starting = app.start(nowhere) if "block" not in way else asyncio.create_task(block())
            if way == "block at once":
                await asyncio.sleep(0)
            elif way != "at once":
                await waits.wait()
            starting.cancel()
            await afails(asyncio.CancelledError, starting)

        async def whole():
            await main()
            assert others() == []
            assert "not running" in fails(NotJoined, lambda: app.call(".add", 2, 3))
            async with app.running(url):
                await use(app)
            assert others() == []

        app = make()
        run(whole(), kind)
        assert threads() == []
        """,
        kind,
        embedded.rs_url,
        way,
        free_port,
    )


def test_a_start_that_is_cancelled_takes_its_router_along(free_port: int) -> None:
    program(
        """
        port = int(WORDS[0])

        async def main():
            app = make()
            began = asyncio.Event()

            @app.on_startup
            async def hook():
                began.set()
                await asyncio.Event().wait()

            starting = app.start(port=port)
            await began.wait()
            assert not is_free(port)
            starting.cancel()
            await afails(asyncio.CancelledError, starting)
            assert is_free(port)
            assert others() == []

        run(main())
        assert threads() == []
        """,
        free_port,
    )


@pytest.mark.parametrize("way", ["at once", "waiting"])
def test_a_stop_ends_a_start_that_waits(embedded: EmbeddedRouter, free_port: int, way: str) -> None:
    """Or the app would join when a router comes, long after it was stopped."""
    program(
        """
        url, port, way = WORDS

        async def main():
            app = make()
            waits = asyncio.Event()

            class Waiting(logging.Handler):
                def emit(self, record):
                    if "Trying again" in record.getMessage():
                        asyncio.get_running_loop().call_soon(waits.set)

            logging.getLogger("wampapp").addHandler(Waiting())
            starting = asyncio.ensure_future(app.start(f"rs://127.0.0.1:{port}"))
            if way == "waiting":
                await waits.wait()
            await app.stop()
            async with asyncio.timeout(10):
                await asyncio.wait([starting])
            assert starting.cancelled() or isinstance(starting.exception(), WampappError)
            assert others() == []
            async with app.running(url):
                await use(app)

        run(main())
        assert threads() == []
        """,
        embedded.rs_url,
        free_port,
        way,
    )


def test_two_that_stop_it_at_one_time_stop_it_once(embedded: EmbeddedRouter) -> None:
    """A handler runs meanwhile, which both of them wait for, and neither for the grace time."""
    program(
        f"""
        async def main():
        {textwrap.indent(HOLDING, "    ")}
            await app.start(WORDS[0])
            def ask():
                with connect(WORDS[0], timeout=30) as client:
                    return client.call(f"{{MINE}}.hold")
            asking = asyncio.create_task(asyncio.to_thread(ask))
            await began.wait()
            stopping = [asyncio.ensure_future(app.stop())]
            def gone():
                with connect(WORDS[0], timeout=30) as client:
                    while True:
                        client.call(f"{{MINE}}.add", 2, 3)
            await afails(NoSuchProcedure, asyncio.to_thread(gone))  # it waits for the handler
            stopping.append(asyncio.ensure_future(app.stop()))
            for _ in range(1000):  # so does the other by then, if it waits at all
                await asyncio.sleep(0)
            release.set()
            async with asyncio.timeout(20):
                assert await asyncio.gather(*stopping) == [None, None]
                assert await asking == "released"
            assert others() == []

        run(main())
        """,
        embedded.rs_url,
    )


def test_a_stop_that_is_cancelled_can_be_repeated(free_port: int) -> None:
    """As by a timeout of the program's own, which is shorter than the grace time."""
    program(
        f"""
        port = int(WORDS[0])

        async def main():
        {textwrap.indent(HOLDING, "    ")}
            await app.start(port=port)
            asking = app.call(".hold")
            await began.wait()
            await afails(TimeoutError, asyncio.wait_for(app.stop(), 0.2))
            release.set()
            await app.stop()
            assert is_free(port)
            await asyncio.gather(asking, return_exceptions=True)
            assert others() == []
            async with app.running(port=port):
                await use(app)

        run(main())
        assert threads() == []
        """,
        free_port,
    )


# Routers that go and come back.

COMING_BACK = """
kind, url = WORDS
app = make()

@app.on_join
async def join():
    print("joined", flush=True)

@app.on_leave
async def leave():
    print("left", flush=True)

@app.subscribe(".end")
async def on_end(*_):
    end.set()
"""

STOPS_AFTER = {
    "loop": """
end = asyncio.Event()

async def main():
    async with app.running(url):
        await end.wait()
        await use(app)
    assert others() == []

run(main())
assert threads() == []
""",
    "reactor": """
import importlib
importlib.import_module(f"twisted.internet.{kind}reactor").install()
from twisted.internet.defer import Deferred
from twisted.internet.task import react

class End(Deferred):
    def set(self):
        self.callback(None)

end = End()

async def main(reactor):
    await app.start(url)
    await end
    assert await Deferred.fromFuture(app.call(".blocking", 2, 3)) == 5
    await app.stop()

react(main)
""",
}


@pytest.mark.parametrize("kind", ["asyncio loop", "asyncio", "select", "epoll"])
def test_it_comes_back_when_its_router_does(kind: str) -> None:
    name = "loop" if " " in kind else "reactor"
    code = PREAMBLE + COMING_BACK + STOPS_AFTER[name]
    words = [sys.executable, *WARNINGS, "-c", code, kind]
    with EmbeddedRouter() as first:
        with Process(*words, first.rs_url) as embedding:
            embedding.until("^joined")
            assert first.stop() == 0
            embedding.until("^left")
            with EmbeddedRouter(first.port) as second:
                embedding.until("Joined again|^joined$")
                with connect(second.rs_url, timeout=30) as client:
                    prefix = f"com.embed.p{embedding.pid}"
                    while embedding.stdout.count("joined") < 2:
                        embedding.until("^joined")
                    assert client.call(f"{prefix}.through", 2, 3) == 5
                    client.publish(f"{prefix}.end")
                assert embedding.wait() == 0, embedding.text
                assert second.stop() == 0
    assert "Traceback" not in embedding.text


def test_it_can_be_stopped_while_offline() -> None:
    code = """
    async def main():
        app = make()
        left = asyncio.Event()

        @app.on_leave
        async def leave():
            left.set()

        async with app.running(WORDS[0]):
            print("joined", flush=True)
            await left.wait()
            calling = asyncio.ensure_future(app.call(".add", 2, 3))
            await asyncio.sleep(0)
        assert "stop" in await afails(NotJoined, calling)
        assert others() == []
        assert "not running" in fails(NotJoined, lambda: app.call(".add", 2, 3))

    logging.getLogger("wampapp").setLevel(logging.ERROR)  # that the router went away
    run(main())
    assert threads() == []
    """
    with EmbeddedRouter() as router:
        words = [sys.executable, *WARNINGS, "-c", PREAMBLE + textwrap.dedent(code)]
        with Process(*words, router.rs_url) as embedding:
            embedding.until("^joined")
            assert router.stop() == 0
            assert embedding.wait() == 0, embedding.text
    assert embedding.stderr == []


# Twisted's reactors.

REACTORS = ["select", "poll", "epoll", "asyncio"]
FEW = ["epoll", "asyncio"]  # Twisted's own choice here, and the one that has an asyncio loop

TWISTED = (
    PREAMBLE
    + '''
import importlib
importlib.import_module(f"twisted.internet.{WORDS[0]}reactor").install()
from twisted.internet import reactor, threads as twisted_threads
from twisted.internet.defer import Deferred, ensureDeferred, gatherResults, inlineCallbacks
from twisted.internet.task import deferLater, react

url = WORDS[1] if len(WORDS) > 1 else None

def deferred(future):
    return Deferred.fromFuture(future)

def make_twisted(**options):
    app = make(**options)

    @app.register
    async def awaits(item):
        return await deferLater(reactor, 0, lambda: item)

    @app.register
    @inlineCallbacks
    def older(item):
        first = yield deferLater(reactor, 0, lambda: item)
        second = yield deferred(app.call(".awaits", first))
        return second

    @app.register
    async def in_thread():
        return await twisted_threads.deferToThread(threading.get_ident)

    return app

async def use_twisted(app):
    for name in (".add", ".through", ".blocking", ".at_once"):
        assert await deferred(app.call(name, 2, 3)) == 5, name
    for name in (".awaits", ".older"):
        assert await deferred(app.call(name, "item")) == "item", name
    assert await deferred(app.call(".in_thread")) != threading.get_ident()
    for name in (".count", ".count_async"):
        assert await deferred(app.call(name, 3)) == [0, 1, 2], name
    await deferred(app.topic(".event", acknowledge=True, exclude_me=False).publish("to all"))
    assert await twisted_threads.deferToThread(app.news.get, timeout=20) == "to all"

def done(app):
    """The app does not run any more, and no loop of ours does."""
    assert "not running" in fails(NotJoined, lambda: app.call(".add", 2, 3))
    assert "wampapp-loop" not in threads(), threads()
'''
)


def twisted_program(code: str, *words: object) -> str:
    return program(code, *words, preamble=TWISTED)


@pytest.mark.parametrize("reactor", REACTORS)
def test_in_a_program_of_twisted_s_react(reactor: str, url: str) -> None:
    twisted_program(
        """
        app = make_twisted()

        async def main(given):
            assert given is reactor
            starting = app.start(url)
            assert isinstance(starting, Deferred)
            assert await starting is None
            await use_twisted(app)
            assert await app.stop() is None
            done(app)
            await app.start(url)
            await use_twisted(app)
            stopping = app.stop()
            assert isinstance(stopping, Deferred)
            await stopping
            done(app)
            print("end")

        react(main)
        """,
        reactor,
        url,
    )


@pytest.mark.parametrize("reactor", REACTORS)
def test_in_a_program_that_runs_its_reactor(reactor: str, url: str) -> None:
    said = twisted_program(
        """
        app = make_twisted()
        failures = []

        @inlineCallbacks
        def main():
            yield app.start(url)
            yield ensureDeferred(use_twisted(app))
            result = yield deferred(app.call(".older", 7))
            assert result == 7
            yield app.stop()
            done(app)

        def begin():
            doing = main()
            doing.addErrback(failures.append)
            doing.addBoth(lambda _: reactor.stop())

        reactor.callWhenRunning(begin)
        reactor.run()
        assert failures == [], failures[0].getTraceback()
        print("end")
        """,
        reactor,
        url,
    )
    assert said == "end\n"


@pytest.mark.parametrize("reactor", REACTORS)
def test_a_reactor_carries_a_router_and_two_apps(reactor: str, free_port: int) -> None:
    twisted_program(
        """
        port = int(WORDS[1])

        async def main(_):
            first, second = make_twisted(), make("com.second")
            await first.start(port=port)
            await second.start(port=port)
            await use_twisted(first)
            assert await deferred(first.call("com.second.blocking", 2, 3)) == 5
            assert await deferred(second.call(f"{MINE}.blocking", 2, 3)) == 5
            await second.stop()
            await first.stop()
            assert is_free(port)

        react(main)
        """,
        reactor,
        free_port,
    )


@pytest.mark.parametrize("reactor", FEW)
def test_nothing_is_left_on_a_reactor(reactor: str, url: str) -> None:
    twisted_program(
        """
        async def main(_):
            app = make_twisted()
            counts = []
            for _ in range(4):
                await app.start(url)
                await use_twisted(app)
                await app.stop()
                assert connections(url) == 0
                await deferLater(reactor, 0, lambda: None)
                sockets = len(reactor.getReaders()) + len(reactor.getWriters())
                counts.append((sockets, descriptors()))
                late = [call for call in reactor.getDelayedCalls()
                        if call.getTime() - reactor.seconds() > 1]
                assert late == []
            assert len(set(counts[1:])) == 1, counts
            done(app)

        react(main)
        """,
        reactor,
        url,
    )


@pytest.mark.parametrize("reactor", FEW)
def test_handlers_on_a_reactor_s_loop_find_a_running_loop(reactor: str, url: str) -> None:
    """Handlers with run="loop" are called as messages come in, from Twisted's own callbacks."""
    twisted_program(
        """
        async def main(_):
            app = App(prefix=MINE)

            @app.register(run="loop")
            def where():
                return asyncio.get_running_loop().__class__.__name__

            @app.register(run="loop")
            def starts_a_task():
                async def work():
                    return 7
                return asyncio.create_task(work())

            @app.register(run="loop")
            def calls():
                return app.call(".where")

            await app.start(url)
            name = type(app._service.runtime.loop).__name__
            assert await deferred(app.call(".where")) == name
            assert await deferred(app.call(".starts_a_task")) == 7
            assert await deferred(app.call(".calls")) == name
            await app.stop()

        react(main)
        """,
        reactor,
        url,
    )


@pytest.mark.parametrize("reactor", FEW)
def test_progress_on_a_reactor_s_loop_comes_before_the_result(reactor: str, url: str) -> None:
    twisted_program(
        """
        async def main(_):
            app = App(prefix=MINE)

            @app.register(run="loop")
            def work(call: Invocation):
                call.progress(1)
                call.progress(2)
                return 3

            @app.register
            async def collect():
                return [item async for item in app.stream(".work")]

            await app.start(url)
            assert await deferred(app.call(".collect")) == [1, 2, 3]
            await app.stop()

        react(main)
        """,
        reactor,
        url,
    )


@pytest.mark.parametrize("reactor", FEW)
def test_a_refusal_reaches_a_reactor_s_program(reactor: str, crossbar: Crossbar) -> None:
    twisted_program(
        """
        async def main(_):
            app = make_twisted()
            assert "realm.nowhere" in await afails(
                RouterRefused, app.start(url, realm="realm.nowhere")
            )
            await app.start(url)
            await use_twisted(app)
            assert "once at a time" in fails(UsageError, app.start)
            await app.stop()
            await app.stop()
            done(app)

        react(main)
        """,
        reactor,
        crossbar.rs_url,
    )


@pytest.mark.parametrize("reactor", FEW)
@pytest.mark.parametrize("way", ["at once", "later"])
def test_a_start_on_a_reactor_can_be_cancelled(
    reactor: str, embedded: EmbeddedRouter, free_port: int, way: str
) -> None:
    twisted_program(
        """
        logging.getLogger("wampapp").setLevel(logging.ERROR)

        async def main(_):
            app = make_twisted()
            starting = app.start(f"rs://127.0.0.1:{WORDS[2]}")
            if WORDS[3] == "later":
                await deferLater(reactor, 0.3, lambda: None)
            starting.cancel()
            try:
                await starting
            except BaseException as error:
                assert type(error).__name__ == "CancelledError", error
            else:
                raise AssertionError
            while app._service is not None and WORDS[3] == "later":
                await deferLater(reactor, 0, lambda: None)  # the task ends in a later turn
            await app.start(url)
            await use_twisted(app)
            await app.stop()

        react(main)
        """,
        reactor,
        embedded.rs_url,
        free_port,
        way,
    )


@pytest.mark.parametrize("reactor", FEW)
def test_a_blocking_client_beside_an_app_on_a_reactor(reactor: str, url: str) -> None:
    twisted_program(
        """
        def visit():
            with connect(url, timeout=20) as client:
                return [client.call(f"{MINE}.{name}", 2, 3) for name in ("add", "blocking")]

        async def main(_):
            app = make_twisted()
            await app.start(url)
            for _ in range(2):
                assert await twisted_threads.deferToThread(visit) == [5, 5]
                await use_twisted(app)
            await app.stop()
            await app.start(url)
            await use_twisted(app)
            await app.stop()

        react(main)
        """,
        reactor,
        url,
    )


@pytest.mark.parametrize("reactor", FEW)
def test_the_reactor_s_thread_is_where_it_belongs(reactor: str, embedded: EmbeddedRouter) -> None:
    twisted_program(
        """
        async def main(_):
            app = make_twisted()
            sentence = await twisted_threads.deferToThread(fails, UsageError, app.start)
            assert sentence.startswith("No event loop runs in this thread")
            await app.start(url)
            sentence = await twisted_threads.deferToThread(fails, UsageError, app.stop)
            assert sentence.startswith("No event loop runs in this thread")
            call = lambda: app.call(".add", 2, 3)
            assert "app.sync.call()" in await twisted_threads.deferToThread(
                fails, WrongThread, call
            )
            sync = lambda: app.sync.call(".through", 2, 3)
            assert await twisted_threads.deferToThread(sync) == 5
            assert "await app.call" in fails(WrongThread, sync)
            await app.stop()

        react(main)
        """,
        reactor,
        embedded.rs_url,
    )


@pytest.mark.parametrize("reactor", FEW)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_service_on_a_reactor_leaves_in_good_order(
    reactor: str, number: int, embedded: EmbeddedRouter
) -> None:
    """Tied to the reactor's end, as the manual has it."""
    code = """
    async def main(_):
        app = make_twisted()

        @app.on_leave
        async def leave():
            print("left", flush=True)

        @app.on_shutdown
        def end():
            print("shutdown", flush=True)

        await app.start(url)
        reactor.addSystemEventTrigger("before", "shutdown", app.stop)
        print("up", flush=True)
        await Deferred()

    react(main)
    """
    words = [sys.executable, *WARNINGS, "-c", TWISTED + textwrap.dedent(code)]
    with Process(*words, reactor, embedded.rs_url) as service:
        service.until("^up$")
        with connect(embedded.rs_url, timeout=30) as client:
            assert client.call(f"com.embed.p{service.pid}.blocking", 2, 3) == 5
            service.stop(number)
            with pytest.raises(NoSuchProcedure):
                client.call(f"com.embed.p{service.pid}.blocking", 2, 3)
    assert (service.stdout, service.stderr) == (["up", "shutdown", "left"], [])


def test_an_asyncio_program_beside_a_reactor(embedded: EmbeddedRouter) -> None:
    """A select reactor is installed and runs in the main thread; an asyncio loop in another."""
    twisted_program(
        """
        inside = make()

        async def aside():
            async with inside.running(url):
                await use(inside)
            return "done"

        async def main(_):
            app = make_twisted(prefix="com.outside")
            await app.start(url)
            assert await twisted_threads.deferToThread(asyncio.run, aside()) == "done"
            await use_twisted(app)
            await app.stop()

        react(main)
        """,
        "select",
        embedded.rs_url,
    )


# What stays the program's.


@pytest.mark.parametrize("place", ["asyncio", "uvloop", *(f"{name}reactor" for name in REACTORS)])
def test_the_program_s_signals_stay_its_own(place: str, embedded: EmbeddedRouter) -> None:
    if place == "uvloop":
        pytest.importorskip("uvloop")
    code = """
    came = []
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR1)

    def handler(number, _frame):
        came.append(number)

    def check():
        for number in numbers:
            assert signal.getsignal(number) is handler, signal.Signals(number).name

    def setup():
        for number in numbers:
            signal.signal(number, handler)

    """
    in_loop = """
    async def main():
        setup()
        app = make()
        async with app.running(url):
            check()
            await use(app)
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)
            await use(app)
            check()
        check()
        assert sorted(came) == [signal.SIGINT, signal.SIGTERM]

    url = WORDS[1]
    run(main(), WORDS[0])
    """
    on_reactor = """
    async def main():
        setup()
        app = make_twisted()
        await app.start(url)
        check()
        await use_twisted(app)
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        await use_twisted(app)
        check()
        await app.stop()
        check()
        assert sorted(came) == [signal.SIGINT, signal.SIGTERM]

    failures = []

    def begin():
        doing = ensureDeferred(main())
        doing.addErrback(failures.append)
        doing.addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(begin)
    reactor.run()
    assert failures == [], failures[0].getTraceback()
    """
    if place.endswith("reactor"):
        name = place.removesuffix("reactor")
        twisted_program(textwrap.dedent(code) + textwrap.dedent(on_reactor), name, embedded.rs_url)
    else:
        program(textwrap.dedent(code) + textwrap.dedent(in_loop), place, embedded.rs_url)


def test_ctrl_c_ends_the_program_as_ever_and_the_app_stops(
    kind: str, embedded: EmbeddedRouter
) -> None:
    program(
        """
        kind, url = WORDS
        moments = []
        app = make()

        @app.on_shutdown
        async def end():
            moments.append("shutdown")

        async def main():
            async with app.running(url):
                os.kill(os.getpid(), signal.SIGINT)
                await asyncio.Event().wait()

        fails(KeyboardInterrupt, lambda: run(main(), kind))
        assert moments == ["shutdown"]
        assert threads() == []
        """,
        kind,
        embedded.rs_url,
    )


def test_the_program_s_log_and_warnings_stay_its_own(embedded: EmbeddedRouter) -> None:
    program(
        """
        root, before = logging.getLogger(), logging.getLogger().level
        output = sys.stdout, sys.stderr, sys.excepthook, threading.excepthook

        async def main():
            handler = asyncio.get_running_loop().get_exception_handler()
            async with make().running(WORDS[0]) as app:
                await use(app)
                assert asyncio.get_running_loop().get_exception_handler() is handler

        run(main())
        assert (root.handlers, root.level) == ([], before)
        assert (sys.stdout, sys.stderr, sys.excepthook, threading.excepthook) == output
        """,
        embedded.rs_url,
    )


# What does not go together with a running loop, and what does.


def test_app_run_inside_a_loop_names_app_start(kind: str, embedded: EmbeddedRouter) -> None:
    program(
        """
        kind, url = WORDS
        import contextlib, io
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
                "another; use 'await app.start()' or 'async with app.running():' in it.\\n"
            ), said.getvalue()

        async def main():
            told()
            async with app.running(url):
                told()
                await use(app)

        run(main(), kind)
        assert threads() == []
        """,
        kind,
        embedded.rs_url,
    )


def test_a_blocking_client_beside_an_embedded_app(kind: str, url: str) -> None:
    program(
        """
        kind, url = WORDS

        def visit():
            with connect(url, timeout=20) as client:
                heard = queue.SimpleQueue()
                client.subscribe(f"{MINE}.said", heard.put)
                assert client.call(f"{MINE}.says", "hello") == "said"
                assert heard.get(timeout=20) == "hello"
                return client.call(f"{MINE}.blocking", 2, 3)

        async def main():
            app = make()

            @app.register
            async def says(text):
                await app.topic(".said", acknowledge=True).publish(text)
                return "said"

            async with app.running(url):
                results = await asyncio.gather(*(asyncio.to_thread(visit) for _ in range(4)))
                assert results == [5] * 4
                sentence = fails(WrongThread, lambda: app.sync.call(".add", 2, 3))
                assert "await app.call" in sentence
                await use(app)
            assert others() == []

        for _ in range(2):
            run(main(), kind)
        """,
        kind,
        url,
    )


def test_a_blocking_verb_off_a_run_says_so(embedded: EmbeddedRouter) -> None:
    """It starts no loop in the background just to say that."""
    program(
        """
        app = make()

        async def main():
            async with app.running(WORDS[0]):
                await use(app)
            assert "not running" in fails(NotJoined, lambda: app.sync.call(".add", 2, 3))

        assert "not running" in fails(NotJoined, lambda: app.sync.call(".add", 2, 3))
        run(main())
        assert "not running" in fails(NotJoined, lambda: app.sync.call(".add", 2, 3))
        assert threads() == []
        """,
        embedded.rs_url,
    )


def test_an_app_is_started_by_another_s_handler(embedded: EmbeddedRouter) -> None:
    """Inside app.run(), whose loop is our own."""
    code = """
    outer, inner = make(), make("com.inner")

    @outer.register
    async def nest():
        async with inner.running(WORDS[0]):
            await use(inner)
        return "nested"

    outer.run(WORDS[0])
    """
    words = [sys.executable, *WARNINGS, "-c", PREAMBLE + textwrap.dedent(code)]
    with Process(*words, embedded.rs_url) as process:
        process.until("Press Ctrl-C")
        with connect(embedded.rs_url, timeout=30) as client:
            for _ in range(2):
                assert client.call(f"com.embed.p{process.pid}.nest") == "nested"
        assert process.stop() == 0, process.text
    assert "Traceback" not in process.text
