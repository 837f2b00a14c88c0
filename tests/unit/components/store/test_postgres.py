"""A store in PostgreSQL: its one owner, its standby, and a database that goes away."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.ports import free_port
from tests.support.postgres import PASSWORD, Postgres
from tests.support.process import ROOT, Process, environment
from tests.support.proxy import Wire
from tests.support.stores import NOTES, note, notes
from wampapp.components.store import Store, Transaction, make_store
from wampapp.components.store import postgres as module
from wampapp.components.store.connection import translated
from wampapp.components.store.migrations import Schema
from wampapp.components.store.ownership import Ownership
from wampapp.components.store.url import Place
from wampapp.errors import StorageFailed, StoreError, UsageError

DEADLINE = 30.0


@pytest.fixture
def schema(postgres: Postgres) -> str:
    return postgres.new_schema()


@pytest.fixture
def wire(postgres: Postgres) -> Iterator[Wire]:
    with Wire(postgres.port) as wire:
        yield wire


@pytest.fixture
def crashing(postgres: Postgres) -> Iterator[Postgres]:
    """A server of the test's own."""
    with Postgres() as server:
        yield server


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Any:
    """Returns what the store has logged."""
    caplog.set_level(logging.INFO, "wampapp.store")
    return lambda: [record.getMessage() for record in caplog.records]


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks at an idle connection, so that it is the works that notice its loss."""
    monkeypatch.setattr(module, "_CHECK", 1000.0)


@contextlib.asynccontextmanager
async def opened(url: str, schema: Schema = NOTES) -> AsyncIterator[Store]:
    store = make_store(url, schema)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def lost(store: Store) -> "asyncio.Future[StoreError]":
    """Is done when the store is lost for good."""
    done: asyncio.Future[StoreError] = asyncio.get_running_loop().create_future()
    store.on_lost = done.set_result
    return done


async def told(caplog: pytest.LogCaptureFixture, text: str) -> None:
    """Wait until the store's log has a line with a text."""
    done = threading.Event()

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if text in record.getMessage():
                done.set()

    ear = Ear()
    logger = logging.getLogger("wampapp.store")
    logger.addHandler(ear)
    try:
        if not any(text in record.getMessage() for record in caplog.records):
            assert await asyncio.to_thread(done.wait, DEADLINE), text
    finally:
        logger.removeHandler(ear)


def pid(do: Transaction) -> int:
    ((number,),) = do.execute("select pg_backend_pid()")
    return int(number)


def end(server: Postgres, number: int) -> None:
    """End a session, as an administrator does; it is gone when this returns."""
    assert server.execute("select pg_terminate_backend(%s, 30000)", number) == [(True,)]


# Statements.


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select ?, ?", "select $1, $2"),
        ("select '?', \"?\", ?", "select '?', \"?\", $1"),
        ("select 'it''s ?' || ?", "select 'it''s ?' || $1"),
        ("select ? -- why?\n, ?", "select $1 -- why?\n, $2"),
        ("select /* ? \n ? */ ?", "select /* ? \n ? */ $1"),
        ("select 100 % ? like '%s'", "select 100 % $1 like '%s'"),
    ],
)
def test_a_question_mark_is_a_value_unless_it_is_quoted(sql: str, expected: str) -> None:
    assert translated(sql) == expected


def test_a_statement_that_failed_inside_of_a_work_that_went_on_commits_nothing(
    postgres: Postgres, schema: str
) -> None:
    def work(do: Transaction) -> None:
        note("one")(do)
        with contextlib.suppress(psycopg.Error):
            do.execute("select * from nowhere")

    async def main() -> None:
        async with opened(postgres.url(schema)) as store:
            with pytest.raises(StorageFailed):
                await store.do(work)
            assert await store.read(notes) == []

    asyncio.run(main())


def test_only_what_need_not_be_durable_is_committed_before_it_is_on_the_disk(
    postgres: Postgres, schema: str
) -> None:
    def setting(do: Transaction) -> Any:
        return do.execute("show synchronous_commit")

    async def main() -> None:
        postgres.execute("alter role owner set synchronous_commit = off")
        try:
            async with opened(postgres.url(schema)) as store:
                assert await store.do(setting) == [("on",)]
                assert await store.do(setting, durable=False) == [("off",)]
                assert await store.do(setting) == [("on",)]
        finally:
            postgres.execute("alter role owner reset synchronous_commit")

    asyncio.run(main())


def test_several_components_and_several_schemas_share_a_database(
    postgres: Postgres, schema: str
) -> None:
    other = Schema("others", ("create table other(a $int);",))

    async def main() -> None:
        async with (
            opened(postgres.url(schema)) as one,
            opened(postgres.url(schema), other) as two,
            opened(postgres.url(postgres.new_schema())) as three,
        ):
            await one.do(note("one"))
            await two.do(lambda do: do.execute("insert into other values (1)"))
            assert await three.read(notes) == []
            assert not (one.took_over or two.took_over or three.took_over)

    asyncio.run(main())
    rows = postgres.execute("select name, version from wampapp_schema order by 1", schema=schema)
    assert rows == [("notes", 1), ("others", 1)]


def test_components_that_begin_at_the_same_instant_do_not_get_in_each_other_s_way(
    postgres: Postgres, schema: str
) -> None:
    schemas = [Schema(f"c{n}", (f"create table c{n}(a $int);",)) for n in range(8)]

    async def main() -> None:
        stores = [make_store(postgres.url(schema), one) for one in schemas]
        await asyncio.gather(*(store.open() for store in stores))
        await asyncio.gather(*(store.close() for store in stores))

    asyncio.run(main())
    assert postgres.execute("select count(*) from wampapp_schema", schema=schema) == [(8,)]


# The owner and its standby.


def test_a_second_owner_waits_and_takes_over(
    postgres: Postgres, schema: str, caplog: pytest.LogCaptureFixture, lines: Any
) -> None:
    async def main() -> None:
        first, second = (make_store(postgres.url(schema), NOTES) for _ in range(2))
        await first.open()
        await first.do(note("one"))
        opening = asyncio.create_task(second.open())
        await told(caplog, "is served by another process")
        assert not opening.done()
        await first.do(note("two"))
        await first.close()
        await opening
        assert second.took_over and not first.took_over
        await second.do(note("three"))
        assert await second.read(notes) == ["one", "two", "three"]
        await second.close()

    asyncio.run(main())
    where = Place.of(postgres.url(schema)).where
    here = f"{os.uname().nodename}:{os.getpid()}"
    waits = f"{where} is served by another process ({here}); this one waits, and takes over when"
    assert lines() == [f"{waits} that ends.", f"{where} is this process's now."]


def test_a_store_that_was_closed_is_free_at_once(
    postgres: Postgres, schema: str, lines: Any
) -> None:
    async def main() -> None:
        for number in range(10):
            async with opened(postgres.url(schema)) as store:
                assert store.took_over == (number > 0)

    asyncio.run(main())
    assert lines() == []


def test_a_standby_that_does_not_want_to_wait_leaves_nothing_behind(
    postgres: Postgres, schema: str, caplog: pytest.LogCaptureFixture, lines: Any
) -> None:
    async def main() -> None:
        async with opened(postgres.url(schema)) as first:
            second = make_store(postgres.url(schema), NOTES)
            opening = asyncio.create_task(second.open())
            await told(caplog, "is served by another process")
            (thread,) = [t for t in threading.enumerate() if t.name == "wampapp-store-opening"]
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
            await second.close()
            await asyncio.to_thread(thread.join, DEADLINE)
            assert not thread.is_alive()
            await first.do(note("one"))
        async with opened(postgres.url(schema)) as third:
            assert await third.read(notes) == ["one"]

    asyncio.run(main())


@pytest.mark.usefixtures("busy")
def test_whoever_loses_the_session_while_another_waits_may_not_write_any_more(
    postgres: Postgres, schema: str, caplog: pytest.LogCaptureFixture, lines: Any
) -> None:
    async def main() -> None:
        async with opened(postgres.url(schema)) as first:
            is_lost = lost(first)
            await first.do(note("one"))
            second = make_store(postgres.url(schema), NOTES)
            opening = asyncio.create_task(second.open())
            await told(caplog, "is served by another process")
            end(postgres, await first.do(pid))
            await opening
            await second.do(note("two"))
            for _ in range(2):
                with pytest.raises(StorageFailed, match="nothing was changed"):
                    await first.do(note("of a former owner"))
            where = Place.of(postgres.url(schema)).where
            assert str(await is_lost) == (
                f"{where} is served by another process now; this one may not write there any "
                "longer, and ends."
            )
            assert await second.read(notes) == ["one", "two"]
            await second.close()

    asyncio.run(main())


def test_an_owner_with_nothing_to_write_notices_that_it_is_none_any_more(
    postgres: Postgres,
    schema: str,
    caplog: pytest.LogCaptureFixture,
    lines: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        async with opened(postgres.url(schema)) as first:
            is_lost = lost(first)
            number = await first.do(pid)
            second = make_store(postgres.url(schema), NOTES)
            opening = asyncio.create_task(second.open())
            await told(caplog, "is served by another process")
            end(postgres, number)
            await opening
            async with asyncio.timeout(DEADLINE):
                await is_lost
            await second.close()

    monkeypatch.setattr(module, "_CHECK", 1.0)
    asyncio.run(main())


@pytest.mark.usefixtures("busy")
def test_an_owner_notices_that_there_was_another_meanwhile(
    postgres: Postgres, schema: str, wire: Wire
) -> None:
    """It gets the lock again, and still knows less than what is there by now."""

    async def main() -> None:
        async with opened(postgres.tcp_url(schema, port=wire.port)) as first:
            is_lost = lost(first)
            await first.do(note("one"))
            wire.refuse()
            async with opened(postgres.url(schema)) as second:
                await second.do(note("two"))
            wire.allow()
            with pytest.raises(StorageFailed):
                await first.do(note("of a former owner"))
            await is_lost
        async with opened(postgres.url(schema)) as third:
            assert await third.read(notes) == ["one", "two"]

    asyncio.run(main())


def test_a_former_owner_is_kept_out_even_where_locks_got_lost(
    postgres: Postgres, schema: str
) -> None:
    async def main() -> None:
        async with opened(postgres.url(schema)) as first:
            is_lost = lost(first)
            number = await first.do(pid)
            # As in a failover to another server, which has the rows, and not the locks.
            await first.do(lambda do: do.execute("select pg_advisory_unlock_all()"))
            async with opened(postgres.url(schema)) as second:
                await second.do(note("one"))
                with pytest.raises(StorageFailed):
                    await first.do(note("of a former owner"))
                await is_lost
                assert await second.read(notes) == ["one"]
                assert number != await second.do(pid)

    asyncio.run(main())


def test_a_standby_takes_over_from_a_process_that_was_killed_and_nothing_is_lost(
    postgres: Postgres, schema: str, caplog: pytest.LogCaptureFixture, lines: Any
) -> None:
    program = ROOT / "tests" / "programs" / "store" / "writes.py"
    env = environment(PYTHONPATH=str(ROOT))
    for _ in range(3):
        with Process(sys.executable, program, postgres.url(schema), env=env) as owner:
            owner.until("^50$")

            async def main() -> list[str]:
                store = make_store(postgres.url(schema), NOTES)
                opening = asyncio.create_task(store.open())
                await told(caplog, f":{owner.pid})")
                owner.send(signal.SIGKILL)
                await opening
                found = await store.read(notes)
                await store.do(lambda do: do.execute("delete from note"))
                await store.close()
                return found

            found = asyncio.run(main())
            owner.wait()
            acknowledged = owner.stdout
            assert len(acknowledged) > 50
            # The last one may have been committed, and not acknowledged any more.
            assert found in (acknowledged, [*acknowledged, str(len(acknowledged))])


# The database goes away.


@pytest.mark.usefixtures("busy")
def test_a_session_that_ended_while_nobody_looked_is_made_again_and_nobody_notices(
    postgres: Postgres, schema: str, lines: Any
) -> None:
    async def main() -> None:
        async with opened(postgres.url(schema)) as store:
            numbers = set()
            for _ in range(3):
                number = await store.do(pid)
                assert number not in numbers
                numbers.add(number)
                end(postgres, number)
            assert await store.do(note("one"))
            ended = await store.read(pid)
            end(postgres, ended)
            assert await store.read(notes) == ["one"]
            held = "select count(*) from pg_locks where locktype = 'advisory' and pid = %s"
            assert postgres.execute(held, await store.do(pid)) == [(1,)]

    asyncio.run(main())
    assert not [line for line in lines() if "written" in line or "read" in line]


@pytest.mark.usefixtures("busy")
def test_a_work_in_which_the_session_ends_is_done_again(
    postgres: Postgres, schema: str, lines: Any
) -> None:
    sessions: list[int] = []

    def work(do: Transaction) -> int:
        number = note("one")(do)
        sessions.append(pid(do))
        if len(sessions) == 1:
            end(postgres, sessions[0])
        do.execute("update note set size = 1 where id = ?", (number,))
        return number

    async def main() -> None:
        async with opened(postgres.url(schema)) as store:
            number = await store.do(work)
            rows = await store.read(lambda read: read.execute("select id, size from note"))
            assert rows == [(number, 1)]

    asyncio.run(main())
    assert len(sessions) == 2
    assert lines() == []


@pytest.mark.usefixtures("busy")
def test_while_the_server_is_away_works_fail_and_then_go_on(crashing: Postgres, lines: Any) -> None:
    url = crashing.url(crashing.new_schema())
    where = Place.of(url).where

    async def main() -> None:
        async with opened(url) as store:
            is_lost = lost(store)
            await store.do(note("one"))
            await asyncio.to_thread(crashing.stop, signal.SIGQUIT)
            for _ in range(2):
                with pytest.raises(StorageFailed, match="nothing was changed"):
                    await store.do(note("of no use"))
                with pytest.raises(StorageFailed, match="could not be read"):
                    await store.read(notes)
            await asyncio.to_thread(crashing.start)
            await store.do(note("two"))
            assert await store.read(notes) == ["one", "two"]
            assert not is_lost.done()

    asyncio.run(main())
    written = [line for line in lines() if "written" in line]
    assert len(written) == 2, written
    assert written[0].startswith(f"{where} cannot be written to: ")
    assert written[1] == f"{where} can be written to again."


def test_an_owner_that_finds_the_lock_free_after_a_crash_knows_that_it_takes_over(
    crashing: Postgres, lines: Any
) -> None:
    url = crashing.url(crashing.new_schema())

    async def main() -> None:
        async with opened(url) as first:
            is_lost = lost(first)
            await first.do(note("one"))
            await asyncio.to_thread(crashing.stop, signal.SIGQUIT)
            await asyncio.to_thread(crashing.start)
            async with opened(url) as second:
                assert second.took_over
                await second.do(note("two"))
                with pytest.raises(StorageFailed):
                    await first.do(note("of no use"))
                await is_lost
                assert await second.read(notes) == ["one", "two"]

    asyncio.run(main())
    assert not [line for line in lines() if "this one waits" in line]


def test_a_standby_waits_for_a_server_that_is_started_anew(
    crashing: Postgres, caplog: pytest.LogCaptureFixture, lines: Any
) -> None:
    url = crashing.url(crashing.new_schema())

    async def main() -> None:
        first = make_store(url, NOTES)
        await first.open()
        await first.do(note("one"))
        second = make_store(url, NOTES)
        opening = asyncio.create_task(second.open())
        await told(caplog, "is served by another process")
        await asyncio.to_thread(crashing.stop)
        await told(caplog, "went away")
        await first.close()
        await asyncio.to_thread(crashing.start)
        await opening
        assert second.took_over
        assert await second.read(notes) == ["one"]
        await second.close()

    asyncio.run(main())


@pytest.mark.usefixtures("busy")
def test_an_owner_takes_the_lock_from_its_own_former_session(
    postgres: Postgres, schema: str, wire: Wire, lines: Any
) -> None:
    """As after a cut on the way, which the server has not noticed."""

    async def main() -> None:
        async with opened(postgres.tcp_url(schema, port=wire.port)) as store:
            before = await store.do(pid)
            wire.strand()
            after = await store.do(pid)
            assert before != after
            assert (before,) not in postgres.execute("select pid from pg_stat_activity")
            await store.do(note("one"))
            assert await store.read(notes) == ["one"]

    asyncio.run(main())
    assert lines() == []


@pytest.mark.usefixtures("busy")
def test_a_session_that_is_ending_is_no_other_owner(
    postgres: Postgres, schema: str, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server may still show its lock, and no longer the session."""
    # Before the server's own, so that sessions can be hidden.
    path = f"{schema},pg_catalog"
    postgres.execute("create table hidden(is_so bool)", schema=path)
    postgres.execute(
        "create view pg_stat_activity as select * from pg_catalog.pg_stat_activity"
        " where not exists (select from hidden where is_so)",
        schema=path,
    )
    look = Ownership._holder
    seen: list[Any] = []

    def holder(self: Ownership, connection: Any) -> Any:
        seen.append(look(self, connection))
        postgres.execute("delete from hidden", schema=path)
        return seen[-1]

    monkeypatch.setattr(Ownership, "_holder", holder)

    async def main() -> None:
        async with opened(postgres.tcp_url(path, port=wire.port)) as store:
            before = await store.do(pid)
            postgres.execute("insert into hidden values (true)", schema=path)
            wire.strand()
            assert await store.do(pid) != before
            assert seen[0] is None
            assert seen[1][0] == before

    asyncio.run(main())


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize(
    "at", [pytest.param(b"commit\0", id="before it"), pytest.param(b"COMMIT\0", id="after it")]
)
def test_a_commit_whose_answer_is_lost_is_found_to_have_succeeded_or_done_again(
    postgres: Postgres, schema: str, wire: Wire, at: bytes, lines: Any
) -> None:
    async def main() -> None:
        async with opened(postgres.tcp_url(schema, port=wire.port)) as store:
            await store.do(note("zero"))
            wire.break_at(at)
            first = await store.do(note("one"))
            second = await store.do(note("two"))
            rows = await store.read(lambda read: read.execute("select id, text from note"))
            assert rows[1:] == [(first, "one"), (second, "two")]

    asyncio.run(main())
    assert lines() == []


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize(
    "at", [pytest.param(b"commit\0", id="before it"), pytest.param(b"COMMIT\0", id="after it")]
)
def test_whoever_waits_for_a_commit_in_doubt_is_answered_when_that_is_known(
    postgres: Postgres,
    schema: str,
    wire: Wire,
    at: bytes,
    caplog: pytest.LogCaptureFixture,
    lines: Any,
) -> None:
    async def main() -> None:
        async with opened(postgres.tcp_url(schema, port=wire.port)) as store:
            await store.do(note("zero"))
            wire.break_at(at)
            wire.close_door()
            waiting = asyncio.ensure_future(store.do(note("one")))
            await told(caplog, "cannot be written to")
            # What comes meanwhile is not done, and does not wait.
            with pytest.raises(StorageFailed, match="nothing was changed"):
                await store.do(note("meanwhile"))
            assert not waiting.done()
            wire.allow()
            number = await waiting
            rows = await store.read(lambda read: read.execute("select id, text from note"))
            assert rows[1:] == [(number, "one")]

    asyncio.run(main())


@pytest.mark.usefixtures("busy")
def test_what_never_can_be_known_is_said_to_be_unknown(
    postgres: Postgres, schema: str, wire: Wire, caplog: pytest.LogCaptureFixture, lines: Any
) -> None:
    async def main() -> None:
        async with opened(postgres.tcp_url(schema, port=wire.port)) as store:
            wire.break_at(b"COMMIT\0")
            wire.close_door()
            waiting = asyncio.ensure_future(store.do(note("one")))
            await told(caplog, "cannot be written to")
        with pytest.raises(StorageFailed, match="not known whether it was stored"):
            await waiting

    asyncio.run(main())


# What is wrong with where it is.


def refused(url: str, schema: Schema = NOTES) -> str:
    """Open a store that cannot be opened; return the sentence."""

    async def main() -> str:
        store = make_store(url, schema)
        with pytest.raises(StoreError) as error:
            await store.open()
        await store.close()
        return str(error.value)

    return asyncio.run(main())


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing that is logged holds the password, or a part of it."""
    caplog.set_level(logging.DEBUG)
    yield
    assert not [line for line in caplog.messages if "w/rd" in line or "secret" in line]


@pytest.mark.usefixtures("quiet")
def test_a_password_stands_nowhere(postgres: Postgres, schema: str) -> None:
    url = postgres.tcp_url(schema)
    store = make_store(url, NOTES)
    assert store.where == f"postgresql://owner@127.0.0.1:{postgres.port}/postgres"
    assert PASSWORD not in repr(store)

    async def main() -> None:
        async with opened(url) as first:
            await first.do(note("one"))
            with pytest.raises(StorageFailed) as failed:
                await first.do(lambda do: do.execute("select * from nowhere"))
            assert PASSWORD not in str(failed.value)

    asyncio.run(main())
    rows = postgres.execute("select application_name, query from pg_stat_activity")
    assert not [row for row in rows if PASSWORD in str(row)]


@pytest.mark.usefixtures("quiet")
def test_a_wrong_password_is_told_in_one_sentence(postgres: Postgres) -> None:
    assert refused(postgres.tcp_url(password="secret")) == (
        f"postgresql://owner@127.0.0.1:{postgres.port}/postgres cannot be opened: password "
        'authentication failed for user "owner".'
    )


@pytest.mark.usefixtures("quiet")
def test_a_database_that_is_not_there_is_told_in_one_sentence(postgres: Postgres) -> None:
    assert refused(postgres.tcp_url(database="nowhere")) == (
        f"postgresql://owner@127.0.0.1:{postgres.port}/nowhere cannot be opened: database "
        '"nowhere" does not exist.'
    )


@pytest.mark.usefixtures("quiet")
def test_a_server_that_is_not_there_is_told_in_one_sentence() -> None:
    port = free_port()
    assert refused(f"postgresql://me:secret@127.0.0.1:{port}/db") == (
        f"postgresql://me@127.0.0.1:{port}/db cannot be opened: Connection refused."
    )


@pytest.mark.usefixtures("quiet")
def test_a_host_that_is_not_known_is_told_in_one_sentence() -> None:
    sentence = refused("postgresql://me:secret@nowhere.invalid/db")
    assert sentence.startswith("postgresql://me@nowhere.invalid/db cannot be opened: ")
    assert "\n" not in sentence


def test_a_socket_that_is_not_there_is_told_in_one_sentence(tmp_path: Path) -> None:
    sentence = refused(f"postgresql:///db?host={tmp_path}")
    assert sentence == (
        f"postgresql:///db?host={tmp_path} cannot be opened: No such file or directory."
    )


def test_a_search_path_without_a_schema_is_told(postgres: Postgres) -> None:
    assert "none of the schemas that its search_path names" in refused(postgres.url("nowhere"))


def test_a_user_who_may_not_make_tables_is_told(postgres: Postgres, schema: str) -> None:
    postgres.execute("drop role if exists guest")
    postgres.execute("create role guest login")
    postgres.execute(f"grant usage on schema {schema} to guest")
    url = postgres.url(schema).replace("owner@", "guest@")
    assert refused(url).endswith(f"cannot be opened: permission denied for schema {schema}.")
    postgres.execute(f"revoke usage on schema {schema} from guest")
    postgres.execute("drop role guest")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:se/cret@host/db",
        "postgresql://me:se@cret@host/db",
        "postgresql://me:%zz@host/cret",
        "postgresql://me@host:port/db?cret",
    ],
)
def test_a_url_that_is_not_valid_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(UsageError, match=r"^The store's URL is not valid; ") as error:
        make_store(url, NOTES)
    assert "cret" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("postgres://host/db", "postgresql://host/db"),
        ("postgresql://me@host:1234/db", "postgresql://me@host:1234/db"),
        ("postgresql://me:secret@host/db", "postgresql://me@host/db"),
        ("postgresql://me:se:c?r#et@host/db", "postgresql://me@host/db"),
        ("postgresql://host/db?user=me&password=secret", "postgresql://me@host/db"),
        ("postgresql://a,b/db?sslpassword=secret", "postgresql://a,b/db"),
        ("postgresql://me:a%40b%2Fc@[::1]:5432/db", "postgresql://me@[::1]:5432/db"),
        ("postgresql:///db?host=/run/postgresql", "postgresql:///db?host=/run/postgresql"),
        ("postgresql://", "postgresql:///"),
    ],
)
def test_where_it_is_is_said_without_secrets(url: str, where: str) -> None:
    assert make_store(url, NOTES).where == where


def test_a_reason_is_one_line_without_the_password() -> None:
    place = Place.of("postgresql://me:s3cret@host/db")
    text = 'connection to server at "h", port 1 failed: FATAL:  no entry for s3cret.\n\tHint.'
    assert place.reason(psycopg.OperationalError(text)) == "no entry for …"
    assert place.reason(psycopg.OperationalError("")) == "OperationalError"


def test_of_several_hosts_the_one_is_meant_that_can_be_written_to() -> None:
    assert Place.of("postgresql://a,b/db").settings["target_session_attrs"] == "read-write"
    asked = "postgresql://a,b/db?target_session_attrs=any&connect_timeout=3"
    assert Place.of(asked).settings["target_session_attrs"] == "any"
    assert Place.of(asked).settings["connect_timeout"] == "3"
