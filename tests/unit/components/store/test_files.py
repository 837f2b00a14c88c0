"""A store in a file: its one owner, its disk, and which store a name means."""

import asyncio
import logging
import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.stores import NOTES, Place, note, notes
from wampapp.components.store import Store, make_store
from wampapp.components.store.lock import FileLock, file_system_of
from wampapp.components.store.opening import settle_store
from wampapp.components.store.sqlite import MemoryStore, SqliteStore
from wampapp.errors import StorageFailed, StoreError, UsageError


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place("file", tmp_path, pytest.fail)


def test_a_second_owner_is_refused_with_the_number_of_the_first(place: Place) -> None:
    async def use(store: Store) -> None:
        with pytest.raises(StoreError) as refused:
            await place.make().open()
        assert str(refused.value) == (
            f"{place.url} is in use by process {os.getpid()}; stop that one first, or name another "
            "file."
        )
        await store.do(note("one"))

    place.run(use)
    assert place.run(lambda store: store.read(notes)) == ["one"]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_connections_of_long_reads_are_used_again_and_closed_at_the_end(place: Place) -> None:
    def opened() -> int:
        links = []
        for one in Path("/proc/self/fd").iterdir():
            with suppress(OSError):  # that of the folder itself
                links.append(str(one.readlink()))
        return links.count(place.url)

    async def use(store: Store) -> None:
        await store.do(note("one"))
        before = opened()
        reads = (store.read(notes, is_long=True) for _ in range(50))
        assert await asyncio.gather(*reads) == [["one"]] * 50
        assert opened() > before
        await store.do(note("two"))
        assert await store.read(notes, is_long=True) == ["one", "two"]

    place.run(use)
    assert opened() == 0


def test_what_is_no_database_is_refused_and_given_up(place: Place) -> None:
    Path(place.url).parent.mkdir()
    Path(place.url).write_text("This is a letter, and longer than the head of a database." * 20)
    for _ in range(2):  # the lock is given up
        with pytest.raises(StoreError, match="cannot be opened: file is not a database"):
            place.run(lambda store: store.read(notes))


def test_a_folder_that_cannot_be_made_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = make_store(str(tmp_path / "file" / "notes.sqlite"), NOTES)
    with pytest.raises(StoreError, match=r"cannot be opened: (Not a directory|File exists)\.$"):
        asyncio.run(store.open())


@contextmanager
def full_disk() -> Iterator[None]:
    """No file can be written beyond 64 KiB, as on a disk without room; a limit of the process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_keeps_writes_off_and_reads_go_on(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "wampapp.store")

    async def use(store: Store) -> None:
        await store.do(note("one"))
        with full_disk():
            for _ in range(2):
                with pytest.raises(StorageFailed, match="nothing was changed"):
                    await store.do(note("x" * 200_000))
            assert await store.read(notes) == ["one"]
        await store.do(note("two"))
        assert await store.read(notes) == ["one", "two"]

    place.run(use)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2, lines
    assert lines[0].startswith(f"{place.url} cannot be written to: ")
    assert lines[1] == f"{place.url} can be written to again."
    connection = sqlite3.connect(place.url)
    assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_a_store_that_was_closed_leaves_one_file_and_its_lock(place: Place) -> None:
    place.run(lambda store: store.do(note("one")))
    assert sorted(file.name for file in Path(place.url).parent.iterdir()) == [
        "notes.sqlite",
        "notes.sqlite.lock",
    ]


# Network file systems.

MOUNTS = r"""
/dev/sda1 / ext4 rw,relatime 0 0
tmpfs {base} tmpfs rw 0 0
server:/share {base}/our\040files nfs4 rw,vers=4.2 0 0
/dev/sdb1 {base}/our\040files/disk xfs rw 0 0
/dev/fuse {base}/fuse fuse.sshfs rw 0 0
"""


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    path = tmp_path / "mounts"
    path.write_text(MOUNTS.replace("{base}", str(tmp_path)))
    return path


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("", "tmpfs"),
        ("our files", "nfs4"),
        ("our files/a/b", "nfs4"),
        ("our files/disk/a", "xfs"),
        ("our filesystem", "tmpfs"),
        ("fuse", "fuse.sshfs"),
    ],
)
def test_a_folder_s_file_system_is_that_of_the_innermost_mount(
    mounts: Path, tmp_path: Path, folder: str, kind: str
) -> None:
    assert file_system_of(tmp_path / folder, mounts) == kind


def test_where_mounts_are_not_told_the_file_system_is_not_known(tmp_path: Path) -> None:
    assert file_system_of(tmp_path, tmp_path / "nowhere") is None


@pytest.mark.parametrize(("folder", "kind"), [("our files", "nfs4"), ("fuse", "fuse.sshfs")])
def test_a_network_file_system_is_refused(
    mounts: Path, tmp_path: Path, folder: str, kind: str
) -> None:
    (tmp_path / folder).mkdir()
    file = tmp_path / folder / "notes.sqlite"
    with pytest.raises(StoreError) as refused:
        FileLock(Path(f"{file}.lock"), mounts).acquire()
    assert str(refused.value).startswith(f"{file} is on a network file system ({kind}), ")
    assert [*(tmp_path / folder).iterdir()] == []


def test_a_disk_of_this_machine_is_not_refused(mounts: Path, tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "notes.sqlite.lock", mounts)
    lock.acquire()
    lock.release()


# Which store is meant.


@pytest.mark.parametrize(
    ("environ", "declared", "where"),
    [
        ({}, None, "instance/notes.sqlite"),
        ({}, Path("a.sqlite"), "a.sqlite"),
        ({"WAMPAPP_STORE": "postgresql://h/d"}, "a.sqlite", "postgresql://h/d"),
        (
            {"WAMPAPP_STORE": "postgresql://h/d", "WAMPAPP_NOTES_STORE": "b.sqlite"},
            "a.sqlite",
            "b.sqlite",
        ),
    ],
)
def test_the_environment_comes_before_the_code(
    environ: dict[str, str], declared: str | Path | None, where: str
) -> None:
    assert settle_store("notes", declared, environ) == where


def test_one_file_for_all_components_is_refused_and_not_quoted() -> None:
    environ = {"WAMPAPP_STORE": "host=h password=secret"}
    with pytest.raises(UsageError, match="WAMPAPP_NOTES_STORE") as refused:
        settle_store("notes", None, environ)
    assert "secret" not in str(refused.value)


def test_a_url_of_something_else_is_refused_without_its_secrets() -> None:
    with pytest.raises(UsageError, match=r"The store mysql://… is not known") as refused:
        make_store("mysql://me:secret@host/db", NOTES)
    assert "secret" not in str(refused.value)


def test_a_name_says_which_store_is_meant(tmp_path: Path) -> None:
    assert isinstance(make_store(":memory:", NOTES), MemoryStore)
    assert isinstance(make_store(str(tmp_path / "a"), NOTES), SqliteStore)


def test_the_memory_does_what_is_asked_before_it_is_awaited() -> None:
    async def main() -> None:
        store = make_store(":memory:", NOTES)
        await store.open()
        with pytest.raises(StopIteration) as done:
            store.do(note("one")).send(None)  # type: ignore[attr-defined]
        assert done.value.value == 1
        await store.close()

    asyncio.run(main())
