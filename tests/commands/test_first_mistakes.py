"""What a newcomer does wrong first, and what the command line says to it."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.process import (
    ROOT,
    EmbeddedRouter,
    Process,
    Wampapp,
    environment,
    run,
    wampapp,
)
from tests.support.programs import program

HELLO = ROOT / "examples" / "hello.py"


@pytest.mark.parametrize(
    ("word", "meant"), [("rnu", "run"), ("subscrib", "subscribe"), ("help", "--help")]
)
def test_a_mistyped_command_names_the_nearest(word: str, meant: str) -> None:
    done = wampapp(word)
    assert (done.returncode, done.stdout) == (2, "")
    last = done.stderr.splitlines()[-1]
    assert last == f"Error: No such command '{word}'. Did you mean '{meant}'?"


def test_a_command_like_no_other_has_no_nearest() -> None:
    done = wampapp("xyzzy")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "Error: No such command 'xyzzy'."


def test_watch_without_reload_is_no_silence() -> None:
    done = wampapp("run", HELLO, "--port", "0", "--watch", "*.html")
    assert (done.returncode, done.stdout) == (2, "")
    last = done.stderr.splitlines()[-1]
    assert last == "Error: --watch says what --reload looks at; add --reload."


@pytest.mark.parametrize("command", ["call", "publish", "subscribe"])
def test_without_a_router_or_a_url_it_says_how_to_get_one(command: str) -> None:
    port = free_port()
    done = wampapp(command, "com.example.add", env=environment(WAMPAPP_PORT=str(port)))
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        f"Error: No router answers at rs://127.0.0.1:{port}: the connection was refused. "
        "Start a service with 'wampapp run', or name another router with --url.\n"
    )


@pytest.mark.parametrize("command", ["call", "publish", "subscribe"])
def test_a_relative_uri_needs_an_app(command: str) -> None:
    done = wampapp(command, ".add", "--url", f"rs://127.0.0.1:{free_port()}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == (
        "Error: '.add' is relative to the prefix of an app, and there is none here; "
        "write the full URI."
    )


def test_a_wildcard_may_begin_with_a_dot() -> None:
    words = ("subscribe", ".first.steps", "--match", "wildcard", "--count", "1")
    with EmbeddedRouter() as router, Wampapp(*words, "--url", router.rs_url) as process:
        process.until("Subscribed to .first.steps")
        done = wampapp("publish", "com.first.steps", "7", "--url", router.rs_url)
        assert done.returncode == 0, done.stderr
        assert process.wait() == 0
        assert process.stdout == ["com.first.steps 7"]


def test_the_one_attempt_may_take_its_time(tmp_path: Path) -> None:
    """A router that answers late, as one far away does, is joined with --give-up-after 0."""
    late = 0.2  # seconds: more than there was for the attempt

    async def scenario(router: EmbeddedRouter) -> str:
        async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
            writer.close()

        async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(late)
            inner, outer = await asyncio.open_connection("127.0.0.1", port_of(router))
            await asyncio.gather(pump(reader, outer), pump(inner, writer))

        server = await asyncio.start_server(between, "127.0.0.1", 0)
        async with server:
            url = f"rs://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            module = tmp_path / "late.py"
            module.write_text(
                "import os, signal\nfrom wampapp import App\napp = App(prefix='com.late')\n"
                "@app.on_join\ndef joined():\n    os.kill(os.getpid(), signal.SIGTERM)\n"
            )
            words = ("run", module, "--url", url, "--give-up-after", "0")
            done = await asyncio.to_thread(wampapp, *words)
            assert done.returncode == 0, done.stderr
            return done.stdout + done.stderr

    def port_of(router: EmbeddedRouter) -> int:
        return int(router.rs_url.rpartition(":")[2])

    with EmbeddedRouter() as router:
        assert "Given up" not in asyncio.run(scenario(router))


def imported_twice(folder: Path, *, guarded: bool) -> Path:
    main = program("imported_twice_main.py")
    if not guarded:
        main = main.replace('if __name__ == "__main__":', "if True:")
    (folder / "main.py").write_text(main)
    (folder / "handlers.py").write_text(program("imported_twice_handlers.py"))
    return folder / "main.py"


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "bare"])
def test_a_script_that_its_handlers_import_a_second_time_is_refused(
    tmp_path: Path, guarded: bool
) -> None:
    importer = "handlers" if guarded else "a module with handlers"
    done = run(sys.executable, imported_twice(tmp_path, guarded=guarded), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"Error: main.py runs twice, as the script and as the module 'main', which {importer} "
        "imports for its app; so the handlers are declared on another app than the one that runs. "
        "Start it with 'wampapp run main.py', or make the app in a module of its own.\n"
    )


def test_what_the_refusal_proposes_works(tmp_path: Path) -> None:
    imported_twice(tmp_path, guarded=True)
    with Wampapp("run", "main.py", "--port", "0", cwd=tmp_path) as service:
        service.until(r"com\.example\.add\(a: int, b: int\) -> int")
        service.until("Press Ctrl-C")
        assert service.stop() == 0, service.text
    assert "declares nothing" not in service.text


def test_a_script_that_is_imported_for_something_else_runs(tmp_path: Path) -> None:
    imported_twice(tmp_path, guarded=True)
    # What it imports has no handlers, so the app that runs is whole.
    (tmp_path / "handlers.py").write_text("import main\n")
    with Process(sys.executable, "main.py", cwd=tmp_path) as service:
        service.until("Press Ctrl-C")
        assert service.stop() == 0, service.text


def test_an_app_that_declares_nothing_says_so(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("from wampapp import App\n\napp = App(name='shop')\n")
    with Wampapp("run", "app.py", "--port", "0", cwd=tmp_path) as service:
        service.until(
            r"shop declares nothing: no procedure, topic, hook or timer\. Are they declared on "
            r"another app, or in a module that nobody imports\?"
        )
        assert service.stop() == 0, service.text


def test_a_bare_word_beside_a_prefix_is_warned_of_at_its_line(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "from wampapp import App\n\napp = App(prefix='com.shop')\n\n\n"
        "@app.register('add')\ndef add() -> None: ...\n"
    )
    with Wampapp("run", "app.py", "--port", "0", cwd=tmp_path) as service:
        service.until(r"app\.py:6: UserWarning: The procedure 'add' is outside of the prefix 'com")
        service.until("Press Ctrl-C")
        assert service.stop() == 0, service.text
