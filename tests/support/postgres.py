"""A real PostgreSQL: Debian's, run by an ordinary user, with its data in a folder of its own."""

import os
import shutil
import signal
import subprocess
import tempfile
from itertools import count
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import psycopg

from tests.support.debian import debian_folder
from tests.support.ports import free_port
from tests.support.process import Process, environment
from wampapp.crossbar import Progress

#: Who runs the server where the tests are run by root, for it refuses to be run by that.
_NOBODY = 65534
PASSWORD = "p@ss:w/rd?"


class Postgres:
    """A server that listens on a socket in its folder, and on a port of the loopback interface.

    Whoever comes by the socket is let in; by the port, with the password. Commits reach the disk.
    """

    def __init__(self, progress: Progress | None = None) -> None:
        # Not in pytest's folder, into which only its user may look.
        self._folder = Path(tempfile.mkdtemp(prefix="wampapp-postgres-"))
        self._prefix: list[str] = []
        programs, library = _programs(progress)
        if os.geteuid() == 0:
            programs, library = self._for_nobody(programs, library)
        self._programs = programs
        self._env = environment(LC_ALL="C", LD_LIBRARY_PATH=str(library))
        self.port = free_port()
        self._names = count(1)
        self._server: Process | None = None
        self.folder = self._folder / "data"
        secret = self._folder / "password"
        secret.write_text(PASSWORD)
        if self._prefix:
            self._folder.chmod(0o755)
            self.folder.mkdir()
            os.chown(self._folder, _NOBODY, _NOBODY)
            os.chown(self.folder, _NOBODY, _NOBODY)
            os.chown(secret, _NOBODY, _NOBODY)
        self._run(
            "initdb", "-D", self.folder, "-U", "owner", "--pwfile", secret, "--no-sync",
            "-E", "UTF8", "--locale=C", "--auth-local=trust", "--auth-host=scram-sha-256",
        )  # fmt: skip

    def _for_nobody(self, programs: Path, library: Path) -> tuple[Path, Path]:
        """Have nobody run the server, and copy it to where he finds it."""
        self._prefix = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
        root = programs.parents[4]  # of usr/lib/postgresql/15/bin
        if root == Path("/"):
            return programs, library
        shutil.copytree(root / "usr", self._folder / "usr", symlinks=True)
        return self._folder / programs.relative_to(root), self._folder / library.relative_to(root)

    def _run(self, program: str, *words: str | Path) -> None:
        command = [*self._prefix, str(self._programs / program), *map(str, words)]
        subprocess.run(command, env=self._env, cwd=self._folder, check=True, capture_output=True)

    def start(self) -> None:
        """Start it, and wait until it can be used."""
        self._server = Process(
            *self._prefix, self._programs / "postgres", "-D", self.folder, "-k", self._folder,
            "-h", "127.0.0.1", "-p", str(self.port), "-c", "shared_buffers=32MB",
            cwd=self._folder, env=self._env,
        )  # fmt: skip
        self._server.until("database system is ready to accept connections")

    def stop(self, number: int = signal.SIGINT) -> None:
        """Stop it; with SIGQUIT it ends as in a crash."""
        server, self._server = self._server, None
        if server is not None:
            server.send(number)
            server.wait()

    @property
    def said(self) -> str:
        """What it has logged since it was started."""
        assert self._server is not None
        return self._server.text

    def url(self, schema: str | None = None) -> str:
        """A URL by the socket."""
        host = quote(str(self._folder), safe="")
        path = "" if schema is None else f"&{_search_path(schema)}"
        return f"postgresql://owner@/postgres?host={host}&port={self.port}{path}"

    def tcp_url(
        self,
        schema: str | None = None,
        *,
        password: str = PASSWORD,
        database: str = "postgres",
        port: int | None = None,
    ) -> str:
        """A URL by the port, or by that of a wire to it."""
        path = "" if schema is None else f"?{_search_path(schema)}"
        user = f"owner:{quote(password, safe='')}"
        return f"postgresql://{user}@127.0.0.1:{port or self.port}/{database}{path}"

    def new_schema(self) -> str:
        """Make a schema, for a store of its own; return its name."""
        name = f"s{next(self._names)}"
        self.execute(f"create schema {name}")
        return name

    def execute(self, sql: str, *values: Any, schema: str | None = None) -> list[tuple[Any, ...]]:
        """Execute a statement, with `%s` for each value."""
        with psycopg.connect(self.url(schema), autocommit=True) as connection:
            cursor = connection.execute(sql, values or None)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def backends(self, name: str) -> list[int]:
        """The process numbers of the sessions that have this in their name."""
        rows = self.execute(
            "select pid from pg_stat_activity where application_name like %s"
            " and pid <> pg_backend_pid() order by pid",
            f"%{name}%",
        )
        return [number for (number,) in rows]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def _search_path(schema: str) -> str:
    return f"options={quote(f'-csearch_path={schema}', safe='')}"


def _programs(progress: Progress | None) -> tuple[Path, Path]:
    """Where the server's programs are, and the libraries that they may need."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    root = Path("/")
    if not installed:
        root = debian_folder("postgresql", ["postgresql"], progress, with_all_it_needs=True)
        installed = sorted(root.glob("usr/lib/postgresql/*/bin/postgres"))
    found = next(root.glob("usr/lib/*-linux-gnu*"))
    return installed[-1].parent, found
