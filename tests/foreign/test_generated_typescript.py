"""Generated clients in TypeScript: the compiler reads them at its strictest, and Node runs one."""

import subprocess
from pathlib import Path

import pytest

from tests.support.node import node_package
from tests.support.process import ROOT, Process, serving
from tests.unit.describe import odd, shop
from tests.unit.describe.generated import evil
from wampapp.crossbar import Progress
from wampapp.describe.clients.typescript import typescript_client
from wampapp.describe.describing import describe_app

pytestmark = pytest.mark.processes

CLIENT = ROOT / "wampapp" / "web" / "browser"
STRICT = [
    "--strict",
    "--noUncheckedIndexedAccess",
    "--exactOptionalPropertyTypes",
    "--noUnusedLocals",
    "--noImplicitOverride",
    "--verbatimModuleSyntax",
    "--erasableSyntaxOnly",
    *("--target", "es2022", "--module", "nodenext"),
]
PAGE = """
import { connect, WampError } from "wampapp";
import { errors, OddClient, type Odd } from "./odd.mjs";

const wamp = connect((globalThis as any).process.argv[2]);
const calls = new OddClient(wamp);
const odd: Odd = {
  data: Uint8Array.of(0, 255),
  when: "2024-02-29T12:00:00Z",
  day: "2024-02-29",
  at: "12:30:00",
  long: "P1D",
  price: "1.10",
  uuid: "00000000-0000-0000-0000-000000000007",
  pets: [{ kind: "dog", name: "Rex" }],
  place: [1, 2],
  class: 5,
};
const say = (...all: unknown[]) => console.log(JSON.stringify(all));

const back = await calls.same(odd);
say("same", [...back.data], back.day, back.place, back.class, back.days);
say("list", await calls.list(true, { loud: true }));
say("square", await calls.square(4, "four"), await calls.square(4, "four", 3));
say("file", new TextDecoder().decode(await calls.files("a.b")));
say("add", await calls.coloursAdd("red"), await calls.coloursAdd("blue", ["2024-01-01"]));
say("places", await calls.placesAdd([1, 2], undefined, 5, [3, 4]));
say("anything", await calls.anything({ a: 1 }, { b: 2 }));
for await (const number of calls.count(2)) say("count", number);
for await (const each of calls.ended(1)) say("ended", each);
try {
  await calls.fail();
} catch (error) {
  say("failed", error instanceof WampError && error.uri === errors.tooMuch);
}
try {
  calls.square(4, "a.b");
} catch (error) {
  say(String(error));
}
const heard = new Promise<void>((done) => {
  calls.onTold((sku, when, handler) => say("told", sku, when, handler));
  calls.onLeft((number, items) => done(say("left", number, items)));
});
const other = connect(wamp.url);
let subscribed: Promise<unknown> | undefined; // the session that publishes is not told
const entered = new Promise<void>((done) => {
  subscribed = other.subscribe("com.odd.rooms.kitchen", (named) => done(say("room", named)));
});
await subscribed;
await calls.publishRooms("kitchen", "Ann");
await entered;
other.close();
await calls.tell("apple", { handler: 3 });
await heard;
wamp.close();

export const wrong = async () => {
  // @ts-expect-error: it is not a number
  calls.square("four", "four");
  // @ts-expect-error: there is no such procedure
  calls.nothing();
  // @ts-expect-error: what is needed is not given
  const half: Odd = { data: Uint8Array.of() };
  // @ts-expect-error: what comes is not a number
  calls.onTold((sku: number) => sku);
  // @ts-expect-error: there is no such colour
  await calls.coloursAdd("green");
  return half;
};
"""
SAID = """\
["same",[0,255],"2024-02-29",[1,2],5,["2024-02-29"]]
["list",[]]
["square",16,64]
["file","a.b"]
["add",0,1]
["places",7]
["anything",[{"a":1},{"b":2}]]
["count",0]
["count",1]
["ended",[0,0]]
["ended","the end"]
["failed",true]
["RangeError: \\"a.b\\" cannot be a component of a URI."]
["room",{"who":"Ann"}]
["told","apple","2024-01-01T00:00:00Z",3]
["left",12,[[1,2]]]
"""


def compiled(folder: Path, progress: Progress, *files: str) -> None:
    """Compile modules to JavaScript beside them; nothing may be wrong."""
    modules = node_package("typescript", "5.9.3", progress) / "node_modules"
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "wampapp").symlink_to(CLIENT)
    words = ["node", modules / "typescript" / "bin" / "tsc", *STRICT, *files]
    done = subprocess.run(
        [str(word) for word in words], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout


def test_it_calls_and_is_told(tmp_path: Path, progress: Progress, free_port: int) -> None:
    (tmp_path / "odd.mts").write_text(typescript_client(describe_app(odd.app)), "utf-8")
    (tmp_path / "page.mts").write_text(PAGE, "utf-8")
    compiled(tmp_path, progress, "odd.mts", "page.mts")
    app = ROOT / "tests" / "unit" / "describe" / "odd.py"
    node = ["node", "--experimental-websocket", "--no-warnings", "page.mjs"]
    with (
        serving(app, "--port", str(free_port)),
        Process(*node, f"ws://127.0.0.1:{free_port}/ws", cwd=tmp_path) as page,
    ):
        assert page.wait() == 0, page.text
        assert sorted(page.text.splitlines()) == sorted(SAID.splitlines())


def test_the_compiler_takes_every_description(tmp_path: Path, progress: Progress) -> None:
    for name, api in (("shop", describe_app(shop.app)), ("evil", evil())):
        (tmp_path / f"{name}.mts").write_text(typescript_client(api), "utf-8")
    compiled(tmp_path, progress, "shop.mts", "evil.mts")
