// The page's client under Node: node page_client.mjs URL REALM. Each line says what was seen.

import assert from "node:assert/strict";
import { connect, WampError } from "../../../wampapp/web/browser/wampapp.js";

const [url, realm] = process.argv.slice(2);
const wamp = connect(url, { realm });
const say = (...words) => console.log(words.join(" "));
const seen = [];
let wake;
const waitFor = async (test) => {
  while (!test()) await new Promise((resolve) => (wake = resolve));
};
const note = (...values) => {
  seen.push(values);
  wake?.();
};

// What is asked for before the session is there waits for it.
assert.equal(await wamp.call("com.test.add", 2, 3), 5);
assert.equal(typeof wamp.session, "number");

assert.equal(await wamp.call("com.test.add", { a: 2, b: 3 }), 5);
assert.equal(await wamp.call("com.test.nothing"), null);
assert.deepEqual(await wamp.call("com.test.several"), { args: [1, "zwei"], kwargs: { three: 3 } });
assert.deepEqual(await wamp.call("com.test.echo", { "ü": [1, null, true] }, {}), {
  "ü": [1, null, true],
});
const octets = Uint8Array.from([0, 1, 254, 255]);
assert.deepEqual(await wamp.call("com.test.echo", octets), octets);
assert.deepEqual(await wamp.call("com.test.echo", [octets, "\u0001"]), [octets, "\u0001"]);
const large = new Uint8Array(300000).fill(7);
assert.deepEqual(await wamp.call("com.test.echo", large), large);
// What starts with NUL and is not octets.
assert.equal(await wamp.call("com.test.nul"), "\0not base64!");

await assert.rejects(wamp.call("com.test.fail", "sold out", { left: 0 }), (error) => {
  assert(error instanceof WampError);
  assert.equal(error.uri, "com.test.error");
  assert.deepEqual([error.args, error.kwargs], [["sold out"], { left: 0 }]);
  return error.message === "com.test.error: sold out";
});
await assert.rejects(wamp.call("com.test.no_such"), { uri: "wamp.error.no_such_procedure" });
await assert.rejects(wamp.call("com.test.add", 1, "x"), { uri: "wamp.error.invalid_argument" });
await assert.rejects(wamp.call("com.test.echo", 1n), TypeError);

const got = [];
for await (const item of wamp.stream("com.test.count", 5)) got.push(item);
assert.deepEqual(got, [0, 1, 2, 3, 4, "counted"]);
for await (const item of wamp.stream("com.test.forever")) if (item === 3) break;
const waiting = wamp.stream("com.test.sleep");
const first = assert.rejects(waiting.next(), { uri: "wamp.error.canceled" });
waiting.cancel();
await first;
await assert.rejects(async () => {
  for await (const item of wamp.stream("com.test.fail", "x")) assert.fail(item);
}, { uri: "com.test.error" });
assert.equal(await wamp.call("com.test.cancelled"), true);

const slow = wamp.call("com.test.sleep");
slow.cancel();
await assert.rejects(slow, { uri: "wamp.error.canceled" });
say("called");

const unsubscribe = await wamp.subscribe("com.test.news", (...values) => note("one", ...values));
const other = await wamp.subscribe("com.test.news", (...values) => note("two", ...values));
const pattern = await wamp.subscribe("com.test..news", (...v) => note("wild", ...v), {
  match: "wildcard",
});
assert.equal(await wamp.call("com.test.announce", "com.test.news", "hi"), null);
await waitFor(() => seen.length === 2);
assert.deepEqual(
  seen.map(([who, text, kwargs]) => [who, text, kwargs]),
  [
    ["one", "hi", { n: 1 }],
    ["two", "hi", { n: 1 }],
  ],
);
await unsubscribe();
await unsubscribe();
await wamp.call("com.test.announce", "com.test.news", "again");
await waitFor(() => seen.length === 3);
assert.equal(seen[2][0], "two");
await wamp.call("com.test.announce", "com.test.x.news", "wild");
await waitFor(() => seen.length === 4);
assert.equal(seen[3][3].topic, "com.test.x.news");
assert.equal(typeof seen[3][3].publication, "number");
await other();
await pattern();
await wamp.publish("com.test.told", "from the page", { ok: true });

const unregister = await wamp.register("com.page.double", (x) => 2 * x);
const aborted = [];
await wamp.register("com.page.steps", async (n, _kwargs, { progress, signal }) => {
  for (let i = 0; i < n; i++) progress(i);
  signal.onabort = () => aborted.push(n);
  if (n === 0) await new Promise(() => {});
  return "done";
});
await wamp.register("com.page.fail", (how) => {
  if (how === "own") throw new WampError("com.page.error", ["no", 1], { left: 0 });
  throw new Error("plain");
});
await wamp.register("com.page.aborted", () => aborted);
await wamp.register("com.page.withdraw", async () => void (await unregister()));
await assert.rejects(wamp.register("com.test.add", () => 0), {
  uri: "wamp.error.procedure_already_exists",
});
await wamp.register("com.page.end", () => void setTimeout(() => wamp.close()));
wamp.addEventListener("leave", () => say("left"));
wamp.addEventListener("join", () => say("joined again"));
say("registered");
