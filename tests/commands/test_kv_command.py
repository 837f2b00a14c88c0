"""`wampapp kv`: what is typed about a store, and what is answered."""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.process import ROOT, Wampapp, environment, onto_a_full_disk, wampapp
from wampapp import ConnectedClient, connect
from wampapp.components import KV

pytestmark = pytest.mark.processes

OWNER = ROOT / "tests" / "programs" / "kv" / "owner.py"


class Store:
    """A service with a store, and what is typed about it."""

    def __init__(self, folder: Path) -> None:
        self.service = Wampapp("run", OWNER, "--port", "0", cwd=folder, env=environment())
        self.url = self.service.until(r"rs://\S+")[0]
        self.service.until("Press Ctrl-C")

    def typed(self, *words: str | Path, code: int = 0, **options: Any) -> str:
        done = wampapp("kv", words[0], "--url", self.url, *words[1:], **options)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr if code else done.stdout

    def client(self) -> ConnectedClient:
        return connect(self.url, timeout=30)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path)
    with store.service:
        yield store
        store.service.stop()


def test_keys_are_set_and_read(store: Store) -> None:
    assert store.typed("set", "user.7.cart", '{"items": ["apple"]}') == "1\n"
    assert store.typed("get", "user.7.cart") == '{"items":["apple"]}\n'
    assert store.typed("set", "text", "a=b", "--ttl", "1000") == "2\n"
    assert store.typed("set", "text", "c", "--keep-ttl", "--expect", "2") == "3\n"
    entry = json.loads(store.typed("get", "text", "--json"))
    assert (entry["value"], entry["revision"], entry["held"]) == ("c", 3, False)
    assert entry["expires"] > 1e9
    assert store.typed("set", "n", "-5") == "4\n"
    assert store.typed("incr", "n") == "-4\n"
    assert store.typed("set", "-7", "-8") == "6\n"
    assert store.typed("delete", "--", "-7") == "The key '-7' is deleted.\n"
    assert store.typed("incr", "n", "-1.5") == "-5.5\n"
    assert store.typed("touch", "text") == "The key 'text' stays.\n"
    assert store.typed("touch", "text", "90") == "The key 'text' goes in 90 s.\n"
    lines = store.typed("list").splitlines()
    assert re.fullmatch(r"key +value +revision +goes in", lines[0])
    assert [re.split(r"  +", line)[:3] for line in lines[1:]] == [
        ["n", "-5.5", "8"],
        ["text", '"c"', "3"],
        ["user.7.cart", '{"items":["apple"]}', "1"],
    ]
    assert re.search(r" \d\d s$", lines[2])
    assert store.typed("list", "user.", "--json").count("\n") == 1
    stats = store.typed("stats")
    assert re.search(r"keys +3\n", stats)
    assert "kept in   instance/kv.sqlite" in stats
    assert store.typed("delete", "n", "n") == (
        "The key 'n' is deleted.\nThe key 'n' was not there.\n"
    )
    assert store.typed("backup", "copy.sqlite") == "The copy is in copy.sqlite.\n"


def test_what_goes_wrong(store: Store) -> None:
    assert store.typed("get", "none", code=1) == "Error: There is no key 'none'.\n"
    assert store.typed("touch", "none", "5", code=1) == "Error: There is no key 'none'.\n"
    store.typed("set", "a", "1")
    said = store.typed("set", "a", "2", "--expect", "0", code=5)
    assert said == "Error: wampapp.error.conflict: 'a' is there already, but at 1\n"
    said = store.typed("incr", "a", "x", code=5)
    assert "`by`: expected int | float, got str" in said
    assert "has 1 to 512 bytes" in store.typed("set", "", "1", code=5)
    assert "--ttl" in store.typed("set", "a", "1", "--ttl", "0", code=2)
    done = wampapp("kv", "list", "none", "--url", store.url)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "There are no such keys.\n")
    assert onto_a_full_disk("kv", "list", "--url", store.url)[0] == 1


def test_hostile_texts_are_escaped(store: Store) -> None:
    with store.client() as client:
        kv = KV(client, "com.mill.kv").sync
        kv.set("k\x1b[2J", "v\x1b[2J\u202e")
    for words in (["list"], ["get", "k\x1b[2J"], ["dump"]):
        assert "\x1b" not in store.typed(*words)


def test_a_dump_is_loaded(store: Store, tmp_path: Path) -> None:
    values = {
        "bytes": b"\0\xff",
        "text": "ß 🎈\n\x01",
        "nested": [{"a": [None, True, 1.5, b"x"]}],
        "large": "x" * 1_000_000,
        "number": 2**64 - 1,
    }
    with store.client() as client:
        kv = KV(client, "com.mill.kv").sync
        for key, value in values.items():
            kv.set(f"k.{key}", value)
        kv.set("k.short", 1, ttl=1000)
        kv.set("k.mine", 1, session=True)
        kv.set("other", 1)
        file = tmp_path / "saved.jsonl"
        assert store.typed("dump", "k.", "--output", file) == ""
        lines = file.read_text().splitlines()
        assert [json.loads(line)["key"] for line in lines] == sorted(
            f"k.{key}" for key in (*values, "short")
        )
        assert store.typed("load", file) == "0 keys set. 6 keys stayed, being there already.\n"
        for key in values:
            kv.delete(f"k.{key}")
        kv.set("k.short", 2)
        assert store.typed("load", file) == "5 keys set. 1 key stayed, being there already.\n"
        assert {entry.key: entry.value for entry in kv.scan("k.")} == {
            **{f"k.{key}": value for key, value in values.items()},
            "k.short": 2,
            "k.mine": 1,
        }
        said = store.typed("load", "-", "--replace", "--json", input=file.read_text())
        assert json.loads(said) == {"set": 6, "stayed": 0}
        entry = kv.entry("k.short")
        assert entry is not None
        assert entry.value == 1
        assert entry.expires is not None


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "line 2: "),
        ("[]", "line 2: Expected `object`, got `array`."),
        ('{"key": "a"}', "line 2: Object missing required field `value`."),
        ('{"key": "a", "value": 1, "tll": 3}', "line 2: Object contains unknown field `tll`."),
        ('{"key": "", "value": 1}', "line 2: a key has 1 to 512 bytes."),
        ('{"key": "a", "value": 1, "ttl": 0}', "line 2: `ttl` is not a number of seconds above 0."),
        ('1], [{"key": "a", "value": 1}', "line 2: "),
    ],
)
def test_a_line_that_is_not_valid(tmp_path: Path, line: str, why: str) -> None:
    file = tmp_path / "saved.jsonl"
    file.write_text(f'{{"key": "first", "value": 1}}\n{line}\n')
    # It is found before anybody is asked.
    done = wampapp("kv", "load", file, "--url", "rs://127.0.0.1:1")
    assert done.returncode == 2
    assert done.stderr.startswith(f"Error: {file}, {why}")
    assert done.stderr.count("\n") == 1
    done = wampapp("kv", "load", tmp_path / "none", "--url", "rs://127.0.0.1:1")
    assert done.returncode == 2
    assert "none cannot be read: No such file or directory." in done.stderr


def test_watching(store: Store, tmp_path: Path) -> None:
    with store.client() as client:
        kv = KV(client, "com.mill.kv").sync
        kv.set("user.1", "here")
        with Wampapp("kv", "watch", "user.", "--url", store.url) as watching:
            watching.until(r'^set     user\.1 = "here"$')
            kv.set("other", 1)
            kv.delete("user.1")
            watching.until(r"^deleted user\.1$")
            kv.set("user.2", 1, ttl=0.01)
            watching.until(r"^set     user\.2 = 1$")
            watching.until(r"^expired user\.2$")
            assert watching.stop(signal.SIGINT) == 130
            assert "other" not in watching.text
            assert "Traceback" not in watching.text


def test_which_store_is_meant(tmp_path: Path) -> None:
    (tmp_path / "two.py").write_text(
        "from wampapp import App\n"
        "from wampapp.components import KV\n"
        "app = App(prefix='com.one')\n"
        "app.include(KV(app))\n"
        "other = App(prefix='com.two')\n"
        "other.include(KV(other, store='two.sqlite'))\n"
    )
    words = ("run", "two.py:app", "two.py:other", "--port", "0")
    with Wampapp(*words, cwd=tmp_path, env=environment()) as service:
        url = service.until(r"rs://\S+")[0]
        service.until("Press Ctrl-C")
        done = wampapp("kv", "get", "a", "--url", url)
        assert done.returncode == 2
        assert "choose one with --prefix: com.one.kv, com.two.kv." in done.stderr
        done = wampapp("kv", "set", "a", "1", "--url", url, "--prefix", "com.two.kv")
        assert done.stdout == "1\n"
        assert service.stop() == 0


def test_a_realm_without_a_store(tmp_path: Path) -> None:
    with Wampapp("router", "--port", "0") as router:
        url = router.until(r"rs://\S+")[0]
        router.until("Press Ctrl-C")
        done = wampapp("kv", "list", "--url", url)
        assert done.returncode == 2
        assert done.stderr == (
            "Error: Nobody serves a key/value store in this realm; start the service that includes "
            "one, or name another realm with --realm.\n"
        )
        done = wampapp("kv", "list", "--url", url, "--prefix", "com.x")
        assert done.returncode == 5
        assert "Nobody serves a key/value store below com.x." in done.stderr
        router.stop()


def test_a_store_without_an_app(tmp_path: Path) -> None:
    words = ("run", "wampapp.components.kv", "--prefix", "com.shop.kv", "--port", "0")
    with Wampapp(*words, cwd=tmp_path, env=environment()) as service:
        url = service.until(r"rs://\S+")[0]
        service.until("Press Ctrl-C")
        assert "kept in instance/kv.sqlite" in service.text
        assert wampapp("kv", "set", "a", "1", "--url", url).stdout == "1\n"
        assert service.stop() == 0
