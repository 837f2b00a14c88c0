// The console's tab for key/value stores: which keys there are, and what becomes of them.

import { area, failure, h, json, labelled, pretty, put, typed, Unreadable } from "./dom.js";
import { keepLooking, prefixes } from "./realm.js";

// By which it is found: what is below its prefix.
const MINE = ["scan", "changes", "entry", "hold", "touch"];
const PAGE = 100;
const AGAIN = 1000;
const MAX_LINE = 200;
const ROUNDED = "A page rounds the numbers of this value; set it with “wampapp kv set”.";
const JSON_HINT = 'Write JSON: 3, "text" or {"size": 3}.';
const CONFLICT = "wampapp.error.conflict";

const clock = (seconds) => new Date(seconds * 1000).toLocaleString();
const field = (about) =>
  h("input", { spellcheck: "false", autocapitalize: "off", autocomplete: "off", ...about });
const button = (text, click, kind) => h("button", { type: "button", class: kind, click }, text);
const seconds = () => field({ type: "number", min: "0.001", max: "10000000000", step: "any" });
const areaFor = (value) => area({ rows: "3" }, value);

/** Orders keys as the store does, by their characters and not by JavaScript's halves of them. */
function compare(one, other) {
  const [a, b] = [[...one], [...other]];
  const at = a.findIndex((sign, i) => sign !== b[i]);
  if (at < 0) return a.length - b.length;
  return at < b.length ? a[at].codePointAt(0) - b[at].codePointAt(0) : 1;
}

/** Returns whether JavaScript has rounded a number somewhere in a value. */
function isRounded(value) {
  if (typeof value === "number") return Number.isInteger(value) && !Number.isSafeInteger(value);
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return false;
  return Object.values(value).some(isRounded);
}

export const tab = {
  title: "Keys",

  isServed: async (wamp) => (await prefixes(wamp, MINE)).length > 0,

  open(main, { wamp }) {
    document.head.append(h("link", { rel: "stylesheet", href: "tab-kv.css" }));
    const known = new Map(); // the rows that are shown, by key
    let prefix;
    let beginning = "";
    let more = false;
    let turn = 0; // counts what was looked for; what comes late is for nobody
    let waiting; // the call that waits for changes
    let counting = false;

    const state = h("p", { class: "hint", role: "status" }, "Looking for stores");
    const counts = h("p", { class: "hint" });
    const trouble = h("div", { role: "alert" });
    const which = h("select", { change: () => turnTo(which.value) });
    const choice = labelled("Key/value store", which);
    const search = field({ type: "search" });
    const rows = h("ol", { class: "keys", "aria-label": "Keys" });
    const next = button("Show more", () => safely(showMore));
    const submit = (work) => (event) => {
      event.preventDefault();
      safely(work);
    };

    const newKey = field({ required: true });
    const newValue = areaFor("");
    const newSeconds = seconds();
    const fresh = h(
      "details",
      { class: "box" },
      h("summary", {}, "Create a key"),
      h(
        "form",
        { submit: submit(create) },
        labelled("Key", newKey),
        labelled("Value, as JSON", newValue),
        labelled("Seconds until it expires; empty for never", newSeconds),
        h("button", { class: "primary" }, "Create"),
      ),
    );
    put(
      main,
      h("div", { class: "bar" }, h("h2", {}, "Keys"), state),
      choice,
      counts,
      h(
        "form",
        { class: "inline", submit: submit(() => find(search.value)) },
        labelled("Keys that begin with", search),
        h("button", { class: "primary" }, "Find"),
      ),
      fresh,
      trouble,
      rows,
      next,
    );
    next.hidden = true;

    const ask = (name, ...payload) => wamp.call(`${prefix}.${name}`, ...payload);

    async function safely(work) {
      try {
        put(trouble);
        await work();
      } catch (error) {
        if (!(error instanceof Unreadable)) put(trouble, failure(error));
      }
    }

    async function look() {
      try {
        const found = await prefixes(wamp, MINE);
        if (!found.length) return put(state, "Nobody serves a store.");
        put(which, ...found.map((one) => h("option", { value: one }, one)));
        choice.hidden = found.length < 2;
        await turnTo(found.includes(prefix) ? prefix : found[0]);
        return true;
      } catch (error) {
        if (wamp.session) put(trouble, failure(error));
      }
    }

    async function turnTo(found) {
      prefix = which.value = found;
      await safely(() => find(beginning));
    }

    /** Shows the keys that begin so, and from then on what changes of them. */
    async function find(text) {
      const mine = ++turn;
      beginning = text;
      waiting?.cancel();
      const from = await ask("changes", beginning, { initial: false, wait: 0 });
      if (mine !== turn) return;
      // What is still there stays where it is, and so does what somebody edits.
      for (const row of known.values()) row.isOld = true;
      await showMore();
      if (mine !== turn) return;
      for (const row of [...known.values()]) if (row.isOld && !row.keep()) drop(row);
      tell();
      put(state, prefix);
      count();
      follow(from);
    }

    async function showMore() {
      const mine = turn;
      const last = [...known.values()].filter((row) => !row.isOld).map((row) => row.key);
      const after = last.length ? { after: last.sort(compare).at(-1) } : {};
      const found = await ask("scan", beginning, { ...after, limit: PAGE });
      if (mine !== turn) return;
      for (const entry of found.entries) show(entry);
      more = found.more;
      next.hidden = !more;
      tell();
    }

    async function follow(last) {
      const mine = turn;
      try {
        while (mine === turn) {
          const { revision, store, began } = last;
          waiting = ask("changes", beginning, { since: revision, store, began });
          last = await waiting;
          if (mine !== turn) return;
          if (last.reset) return await safely(() => find(beginning));
          last.changes.forEach(take);
          if (last.changes.length) count();
        }
      } catch (error) {
        // Other keys are looked for; or the owner has gone, and comes back perhaps.
        if (mine !== turn) return;
        put(state, `${prefix} is away: ${error.uri ?? error.message}`);
        setTimeout(() => mine === turn && wamp.session && look(), AGAIN);
      }
    }

    async function count() {
      if (counting) return;
      counting = true;
      const found = await ask("stats").catch(() => null);
      counting = false;
      if (!found) return;
      const [keys, bytes, held, revision] = ["keys", "bytes", "held", "revision"].map((name) =>
        found[name].toLocaleString("en"),
      );
      put(counts, `${keys} keys, ${bytes} bytes, ${held} held by sessions, revision ${revision}`);
    }

    function tell() {
      rows.setAttribute("aria-label", `Keys, ${known.size} shown`);
      if (!known.size) put(rows, h("li", { class: "hint" }, "There are no such keys."));
      else for (const hint of rows.querySelectorAll(":scope > .hint")) hint.remove();
    }

    function take(change) {
      const row = known.get(change.key);
      if (change.kind === "set") {
        const last = rows.lastElementChild?.dataset.key;
        if (!row && more && last !== undefined && compare(change.key, last) > 0) return;
        show(change).flash();
      } else if (row && !row.keep()) drop(row);
      else row?.gone();
      tell();
    }

    function show(entry) {
      const old = known.get(entry.key);
      if (old) {
        old.isOld = false;
        old.update(entry);
        return old;
      }
      const row = rowOf(entry);
      known.set(entry.key, row);
      const later = [...rows.children].find(
        (one) => one.dataset.key !== undefined && compare(one.dataset.key, entry.key) > 0,
      );
      rows.insertBefore(row.element, later ?? null);
      return row;
    }

    function drop(row) {
      const beside = row.element.nextElementSibling ?? row.element.previousElementSibling;
      const held = row.element.contains(document.activeElement);
      row.element.remove();
      known.delete(row.key);
      if (held) (beside?.querySelector("summary") ?? search).focus();
      tell();
    }

    async function create() {
      const value = typed(newValue, () => true, JSON_HINT);
      const ttl = newSeconds.value ? { ttl: Number(newSeconds.value) } : {};
      const key = newKey.value;
      try {
        await ask("set", key, value, { ...ttl, expect: 0 });
      } catch (error) {
        const { current } = error.kwargs ?? {};
        if (error.uri === CONFLICT && current) show(current).open();
        throw error;
      }
      show(await ask("entry", key)).flash();
      tell();
      newKey.value = newValue.value = newSeconds.value = "";
      newKey.focus();
    }

    function rowOf(entry) {
      const { key } = entry;
      let base = entry; // what is edited
      let now = entry; // what there is
      let isEdited = false;
      const line = h("span", { class: "payload" });
      const revision = h("span", { class: "hint" });
      const expires = h("span", { class: "hint" });
      const news = h("div", { role: "status" });
      const value = areaFor("");
      value.addEventListener("input", () => (isEdited = true));
      const time = seconds();
      const timeOnly = button("Never expire", () => order(setTime));
      time.addEventListener("input", nameTime);
      const buttons = h("div", { class: "actions" });
      const set = h("button", { class: "primary" }, "Set");
      const form = h(
        "form",
        { submit: (event) => order(setValue, event.preventDefault()) },
        labelled("Value, as JSON", value),
        news,
        labelled("Seconds until it expires; empty to leave that as it is", time),
        buttons,
      );
      const details = h(
        "details",
        { toggle: () => details.open && fill() },
        h("summary", {}, h("code", {}, key), line, revision, expires),
        form,
      );
      const element = h("li", { "data-key": key }, details);

      function nameTime() {
        put(timeOnly, time.value ? "Set the time only" : "Never expire");
      }

      function usual() {
        put(buttons, set, timeOnly, button("Delete", sure, "danger"));
      }

      function sure() {
        const keep = button("Keep it", () => (usual(), buttons.lastChild.focus()));
        const really = button("Delete it for good", () => order(remove), "danger");
        put(buttons, "Delete this key? ", really, keep);
        keep.focus();
      }

      function fill() {
        if (isEdited) return;
        base = now;
        const isLost = isRounded(now.value);
        value.value = json(now.value, 2);
        value.readOnly = set.disabled = isLost;
        put(news, isLost ? h("p", { class: "notice" }, ROUNDED) : null);
      }

      async function order(work) {
        try {
          put(trouble);
          await work();
        } catch (error) {
          if (error instanceof Unreadable) return;
          if (error.uri === CONFLICT) return clash(error.kwargs.current);
          put(news, failure(error));
        }
      }

      // The next “Set” is for what there is now, which can be seen.
      function clash(current) {
        base = now = current ?? { key, revision: 0, expires: null };
        render();
        const takeOver = () => ((isEdited = false), fill(), value.focus());
        const words = current
          ? `Conflict: somebody else has set it; it is at revision ${current.revision} now:`
          : "Conflict: it has gone meanwhile. “Set” creates it again.";
        const about = current
          ? [pretty(current.value), button("Take this value", takeOver, "quiet")]
          : [];
        put(news, h("div", { class: "notice" }, h("p", {}, words), ...about));
      }

      async function setValue() {
        const wanted = typed(value, () => true, JSON_HINT);
        const ttl = time.value ? { ttl: Number(time.value) } : { keep_ttl: true };
        await ask("set", key, wanted, { ...ttl, expect: base.revision });
        isEdited = false;
        time.value = "";
        nameTime();
        await renew("It is set.");
      }

      async function setTime() {
        if (!time.reportValidity()) return;
        await ask("touch", key, time.value ? Number(time.value) : null);
        time.value = "";
        nameTime();
        await renew("The time is set.");
      }

      async function renew(words) {
        const found = await ask("entry", key);
        if (!found) return row.gone();
        row.update(found);
        fill();
        put(news, h("p", { class: "hint" }, words));
        row.flash();
      }

      async function remove() {
        await ask("delete", key, { expect: now.revision });
        isEdited = false;
        if (known.get(key) === row) drop(row);
      }

      function render() {
        element.toggleAttribute("data-gone", !now.revision);
        put(line, now.revision ? json(now.value).slice(0, MAX_LINE) : "has gone");
        put(revision, now.revision ? `revision ${now.revision}` : "");
        put(expires, now.expires ? `until ${clock(now.expires)}` : "");
      }

      const row = {
        key,
        element,
        isOld: false,
        keep: () => isEdited && details.open,
        open: () => (details.open = true),
        update(found) {
          if (found.revision < now.revision) return; // older news, which came later
          const isNew = found.revision > now.revision;
          now = found;
          render();
          if (isNew && details.open) fill();
        },
        gone() {
          now = { key, revision: 0, expires: null };
          render();
        },
        flash() {
          element.classList.remove("changed");
          void element.offsetWidth; // so that it begins anew
          element.classList.add("changed");
        },
      };
      usual();
      render();
      return row;
    }

    keepLooking(wamp, look);
  },
};
