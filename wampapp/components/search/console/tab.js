// The console's tab for searches: what an index finds, while it changes.

import { failure, h, labelled, pretty, put, visible } from "./dom.js";
import { keepLooking, prefixes } from "./realm.js";

// By which it is found: what is below its prefix.
const MINE = ["rebuild", "check", "live", "query", "stats"];
const PAGE = 20;
const MOST = 1000;
const AGAIN = 1000;
const MAX_VALUES = 50;
const SIGNS = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#x27;": "'", "&amp;": "&" };

const unescaped = (text) => text.replace(/&(?:lt|gt|quot|#x27|amp);/g, (sign) => SIGNS[sign]);
const number = (value) => value.toLocaleString("en");
const options = (names) => names.map((one) => h("option", { value: one }, one));

/** Makes elements of a hit's HTML, in which <mark> is the only element. */
function marked(html) {
  const parts = html.split(/<mark>(.*?)<\/mark>/su);
  return parts.map((part, at) => (at % 2 ? h("mark", {}, unescaped(part)) : unescaped(part)));
}

export const tab = {
  title: "Search",

  isServed: async (wamp) => (await prefixes(wamp, MINE)).length > 0,

  open(main, { wamp }) {
    document.head.append(h("link", { rel: "stylesheet", href: "tab-search.css" }));
    let prefix;
    let indexes = [];
    let chosen = {}; // of each facet the values that are wanted
    let limit = PAGE;
    let turn = 0; // counts what was asked; what comes late is for nobody
    let waiting; // the call that waits for another answer

    const state = h("p", { class: "hint", role: "status" }, "Looking for searches");
    const trouble = h("div", { role: "alert" });
    const which = h("select", { change: () => turnTo(which.value) });
    const choice = labelled("Search", which);
    const index = h("select", { change: () => begin({}) });
    const text = h("input", {
      type: "search",
      spellcheck: "false",
      autocapitalize: "off",
      autocomplete: "off",
      input: () => begin(chosen),
    });
    const counts = h("p", { class: "hint", role: "status" });
    const facets = h("div", { class: "facets" });
    const rows = h("ol", { class: "found", "aria-label": "Documents" });
    const more = h("button", { type: "button", click: showMore }, "Show more");
    const rebuild = h("button", { type: "button", click: () => safely(build) }, "Rebuild the index");
    const built = h("p", { class: "hint", role: "status" });
    put(
      main,
      h("div", { class: "bar" }, h("h2", {}, "Search"), state),
      choice,
      h(
        "form",
        { class: "inline", submit: (event) => begin(chosen, event.preventDefault()) },
        labelled("Index", index),
        labelled("What to find", text),
      ),
      trouble,
      counts,
      facets,
      rows,
      more,
      h("div", { class: "actions" }, rebuild, built),
    );
    more.hidden = true;

    const ask = (name, ...payload) => wamp.call(`${prefix}.${name}`, ...payload);

    async function safely(work) {
      try {
        put(trouble);
        await work();
      } catch (error) {
        put(trouble, failure(error));
      }
    }

    async function look() {
      try {
        const found = await prefixes(wamp, MINE);
        if (!found.length) return put(state, "Nobody serves a search.");
        put(which, ...options(found));
        choice.hidden = found.length < 2;
        await turnTo(found.includes(prefix) ? prefix : found[0]);
        return true;
      } catch (error) {
        if (wamp.session) put(trouble, failure(error));
      }
    }

    async function turnTo(found) {
      prefix = which.value = found;
      const before = index.value;
      ({ indexes } = await ask("stats"));
      const names = indexes.map(({ name }) => name);
      put(index, ...options(names));
      if (names.includes(before)) index.value = before;
      put(state, prefix);
      begin(names.includes(before) ? chosen : {});
    }

    /** Asks, and again whenever the answer is another one. */
    function begin(filter) {
      chosen = filter;
      limit = PAGE;
      follow();
    }

    function showMore() {
      limit = Math.min(MOST, limit * 5);
      follow();
    }

    async function follow() {
      const mine = ++turn;
      waiting?.cancel();
      const { fields = {} } = indexes.find(({ name }) => name === index.value) ?? {};
      const names = Object.keys(fields).filter((name) => fields[name] === "facet");
      const filter = Object.fromEntries(Object.entries(chosen).filter(([, some]) => some.length));
      const about = { facets: names, filter, limit };
      let version = null;
      try {
        while (mine === turn) {
          waiting = ask("live", index.value, text.value, { ...about, version });
          const answer = await waiting;
          if (mine !== turn) return;
          ({ version } = answer);
          if (answer.found) show(answer.found);
        }
      } catch (error) {
        // Something else is asked; or the owner has gone, and comes back perhaps.
        if (mine !== turn) return;
        if (error.uri === "wamp.error.invalid_argument") return put(trouble, failure(error));
        put(state, `${prefix} is away: ${error.uri ?? error.message}`);
        setTimeout(() => mine === turn && wamp.session && look(), AGAIN);
      }
    }

    function show({ hits, total, matched, corrected, facets: counted }) {
      put(trouble);
      const words = [`${number(total)} document${total === 1 ? "" : "s"}`];
      if (corrected) words.push(`for ${visible(corrected)}`);
      if (matched === "any") words.push("none with all the words");
      put(counts, words.join(", "));
      put(facets, ...Object.entries(counted).map(([name, values]) => facetOf(name, values)));
      const open = new Set(
        [...rows.querySelectorAll("details[open]")].map((one) => one.parentElement.dataset.id),
      );
      put(rows, ...hits.map((hit) => rowOf(hit, open)));
      more.hidden = hits.length >= total || limit >= MOST;
    }

    function rowOf({ id, document: found, html }, open) {
      const key = JSON.stringify(id);
      const shown = Object.values(html).filter(Boolean);
      const lines = shown.map((one) => h("p", {}, ...marked(one)));
      const summary = h("summary", {}, h("code", {}, key), " ", ...lines);
      const details = h("details", { open: open.has(key) }, summary, pretty(found));
      return h("li", { "data-id": key }, details);
    }

    function facetOf(name, values) {
      const wanted = chosen[name] ?? [];
      const names = new Set([...wanted, ...Object.keys(values).slice(0, MAX_VALUES)]);
      const boxes = [...names].map((value) => {
        const box = h("input", {
          type: "checkbox",
          checked: wanted.includes(value),
          change: () => {
            const others = wanted.filter((one) => one !== value);
            const focused = value;
            begin({ ...chosen, [name]: box.checked ? [...others, focused] : others });
          },
        });
        return h("label", {}, box, `${visible(value)} (${number(values[value] ?? 0)})`);
      });
      return h("fieldset", {}, h("legend", {}, name), ...boxes);
    }

    async function build() {
      const name = index.value;
      rebuild.disabled = true;
      put(built, "Building");
      try {
        for await (const done of wamp.stream(`${prefix}.rebuild`, name)) {
          const words = `${number(done.documents)} documents`;
          put(built, done.is_done ? `Built of ${words}.` : `Building: ${words} so far`);
        }
      } catch (error) {
        put(built);
        throw error;
      } finally {
        rebuild.disabled = false;
      }
    }

    keepLooking(wamp, look);
  },
};
