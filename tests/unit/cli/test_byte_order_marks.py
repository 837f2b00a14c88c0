"""Files that begin with a byte order mark, as programs on Windows write them."""

import codecs
import os
from pathlib import Path

import pytest

from tests.support.process import environment, wampapp
from wampapp.cli.pyproject import defaults
from wampapp.cli.verbs.command_handler import _result
from wampapp.cli.verbs.event_file import EventFile
from wampapp.config.environment import read_secret
from wampapp.errors import UsageError
from wampapp.protocol.keys import read_key_file
from wampapp.transport.tls import _read

MARK = codecs.BOM_UTF8


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


def test_a_project_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(MARK + b'[tool.wampapp]\r\nrealm = "r\xc3\xbc"\r\n')
    assert defaults(tmp_path) == {"realm": "rü"}


def test_a_file_of_events(file: Path) -> None:
    file.write_bytes(MARK + b'[1]\r\n{"a": 2}\r\n')
    with EventFile(str(file)) as events:
        found = [event for batch in events.batches() for event in batch]
    assert [event[:2] for event in found] == [([1], {}), ([], {"a": 2})]


def test_a_mark_further_down_is_not_one(file: Path) -> None:
    file.write_bytes(b"[1]\n" + MARK + b"[2]\n")
    with EventFile(str(file)) as events, pytest.raises(UsageError, match="line 2 is not JSON"):
        list(events.batches())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_a_file_of_events_in_utf_16(file: Path, encoding: str) -> None:
    text = "[1]\r\n" if encoding == "utf-16" else "\ufeff[1]\r\n"
    file.write_text(text, encoding)
    with EventFile(str(file)) as events, pytest.raises(UsageError) as caught:
        list(events.batches())
    assert str(caught.value) == f"{file} is UTF-16; save it as UTF-8."


def test_a_file_of_variables(file: Path) -> None:
    file.write_bytes(MARK + b"WAMPAPP_URL=http://nowhere\r\n")
    done = wampapp("call", "com.any", "--env-file", file, env=environment())
    assert (done.returncode, done.stdout) == (2, "")
    assert "The router URL 'http://nowhere' has no known scheme" in done.stderr


def test_a_secret(file: Path) -> None:
    file.write_bytes(MARK + b"1234\r\n")
    assert read_secret(str(file)) == "1234"


def test_a_private_key(file: Path) -> None:
    seed = os.urandom(32)
    file.write_bytes(MARK + seed.hex().encode() + b"\r\n")
    assert read_key_file(file) == seed


def test_a_certificate(file: Path) -> None:
    file.write_bytes(MARK + b"-----BEGIN CERTIFICATE-----\r\n")
    assert _read(file, "certificate").startswith(b"-----BEGIN")


def test_the_output_of_a_command() -> None:
    assert _result(MARK + b'{"a": 1}\r\n') == {"a": 1}
