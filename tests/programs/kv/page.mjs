// A key/value store from JavaScript: node page.mjs URL. Each line says what was seen.

import assert from "node:assert/strict";
import { connect } from "../../../wampapp/web/browser/wampapp.js";

const wamp = connect(process.argv[2]);
const kv = (name, ...payload) => wamp.call(`com.shop.kv.${name}`, ...payload);

// A value that is an object would be taken for keyword arguments; an empty one comes after it.
const first = await kv("set", "user.1", { name: "Ann", octets: Uint8Array.of(0, 255) }, {});
assert.deepEqual(await kv("get", "user.1"), { name: "Ann", octets: Uint8Array.of(0, 255) });
assert.equal(await kv("get", "user.2"), null);
assert.equal(await kv("get", "user.2", "a default"), "a default");
const { revision, expires } = await kv("entry", "user.1");
assert.deepEqual([revision, expires], [first, null]);
await assert.rejects(kv("set", "user.1", 1, { expect: 0 }), ({ uri, kwargs }) => {
  assert.equal(kwargs.current.value.name, "Ann");
  return uri === "wampapp.error.conflict";
});
await kv("set", "user.1", 2, { expect: first, ttl: 3600 });
assert.equal(await kv("incr", "user.1"), 3);
const { entries, more } = await kv("scan", "user.", { limit: 10 });
assert.deepEqual([entries.map(({ key, value }) => [key, value]), more], [[["user.1", 3]], false]);

const held = wamp.stream("com.shop.kv.hold", "online.me", true, { holder: "page 1" });
const { value } = await held.next();
console.log("holds", typeof value.revision);
await assert.rejects(
  wamp.stream("com.shop.kv.hold", "online.me", true, { holder: "page 2", expect: 0 }).next(),
  { uri: "wampapp.error.conflict" },
);

for await (const change of wamp.stream("com.shop.kv.watch", "user.")) {
  console.log(change.kind, change.key ?? "", JSON.stringify(change.value ?? null));
  if (change.value === "the end") break;
}
console.log("waits");
await held.next();
console.log("lost");
wamp.close();
