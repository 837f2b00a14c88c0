// The versions of settings in the console, and the way back to one.

import { h, put } from "./dom.js";
import { short } from "./tab-settings-setting.js";

const PAGE = 20;

const button = (text, click, kind) => h("button", { type: "button", class: kind, click }, text);
const hint = (text) => h("p", { class: "hint" }, text);
const clock = (seconds) => new Date(seconds * 1000).toLocaleString();
const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** Shows what changes, or has changed: by name, the value before and after. */
function differences(changes) {
  const shown = (both, key) =>
    h("bdi", {}, Object.hasOwn(both, key) ? short(both[key]) : "the default");
  const lines = Object.entries(changes).map(([name, both]) => [
    h("dt", {}, h("code", {}, name)),
    h("dd", {}, shown(both, "before"), " → ", shown(both, "after")),
  ]);
  return lines.length ? h("dl", {}, lines.flat()) : null;
}

function between(before, after) {
  const changes = {};
  for (const name of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
    const both = {};
    if (Object.hasOwn(before, name)) both.before = before[name];
    if (Object.hasOwn(after, name)) both.after = after[name];
    if (Object.keys(both).length === 1 || !isSame(both.before, both.after)) changes[name] = both;
  }
  return changes;
}

/**
 * Makes the history of a keeper.
 *
 * `frame.ask` asks the keeper, `frame.now()` is what it has, `frame.goBack` goes back and returns what
 * is said of that, and `frame.refusal` what is said of an error.
 */
export function historyOf(frame) {
  const known = new Map(); // by number
  let turn = 0; // what comes late is for nobody
  const rows = h("ol", { class: "versions", "aria-label": "History, the newest first" });
  const older = button("Show more", () => showOlder().catch(frame.away));
  older.hidden = true;

  /** Shows the newest versions. */
  async function show() {
    const mine = turn;
    const found = await frame.ask("history", { limit: PAGE });
    if (mine !== turn) return;
    const newest = Math.max(0, ...known.keys());
    // What is between would be missing.
    if (found.length && found.at(-1).version > newest + 1) clear();
    const isFirst = !known.size;
    found.forEach(add);
    if (isFirst) end(found);
    for (const row of known.values()) row.update();
  }

  async function showOlder() {
    const mine = turn;
    const found = await frame.ask("history", { limit: PAGE, before: Math.min(...known.keys()) });
    if (mine !== turn) return;
    const first = found[0]?.version;
    found.forEach(add);
    end(found);
    known.get(first)?.focus();
  }

  /** Shows whether there are more. Before the first version, there are the defaults. */
  function end(found) {
    const last = found.at(-1)?.version ?? 1;
    older.hidden = found.length < PAGE || last === 1;
    if (last === 1) add({ version: 0, why: "the defaults", changes: {} });
  }

  function clear() {
    turn += 1;
    known.clear();
    put(rows);
  }

  function add(entry) {
    if (known.has(entry.version)) return;
    const row = versionOf(entry, frame);
    known.set(entry.version, row);
    const next = [...rows.children].find((one) => Number(one.dataset.version) < entry.version);
    rows.insertBefore(row.element, next ?? null);
  }

  return { element: h("div", {}, rows, older), show, clear };
}

function versionOf({ version, at, by, why, changes }, frame) {
  let isAsking = false;
  let wasNow; // what is shown is left as it is, with the focus in it, while that stays the same
  const actions = h("div", { class: "actions" });
  const news = h("div", { role: "status" });
  const summary = h(
    "summary",
    {},
    h("strong", {}, `Version ${version}`),
    h("bdi", {}, why || Object.keys(changes).join(", ")),
    h("bdi", { class: "hint" }, by ?? ""),
    h("span", { class: "hint" }, at ? clock(at) : ""),
  );
  const details = h("details", {}, summary, differences(changes), actions, news);
  const element = h("li", { "data-version": String(version) }, details);

  function update() {
    const isNow = version === frame.now().version;
    if (isAsking || isNow === wasNow) return;
    wasNow = isNow;
    const go = () => button(`Go back to version ${version}`, () => safely(sure));
    put(actions, isNow ? hint("This is how the settings are now.") : go());
  }

  function back() {
    isAsking = false;
    wasNow = undefined;
    update();
    (actions.querySelector("button") ?? summary).focus();
  }

  async function safely(work) {
    put(news);
    try {
      await work();
    } catch (error) {
      const sentence = await frame.refusal(error);
      back();
      put(news, sentence);
    }
  }

  /** Says what would change, and asks. */
  async function sure() {
    const { version: expect, values } = frame.now();
    const found = differences(between(values, await frame.ask("values_at", version)));
    if (!found) return put(news, hint("The settings are now as they were then."));
    isAsking = true;
    const keep = button("Leave them", back);
    const really = button("Go back", () => safely(() => goBack(expect)), "danger");
    put(actions, h("p", {}, `Go back to version ${version}? This changes:`), found, really, keep);
    keep.focus();
  }

  async function goBack(expect) {
    const said = await frame.goBack(version, expect);
    back();
    put(news, said);
  }

  update();
  return { element, update, focus: () => summary.focus() };
}
