// The tab in which procedures and topics are found, read about, and tried.

import { Catalogue } from "./catalogue.js";
import { bare } from "./document.js";
import { failure, h, put } from "./dom.js";
import { page, parts } from "./operation.js";

const BADGES = { procedure: "call", subscribed: "listens", published: "publishes" };
const URI = /^[^\s.#]+(\.[^\s.#]+)+$/u;

const address = ({ kind, uri }) => `#/api/${kind}/${encodeURIComponent(uri)}`;

export const api = {
  id: "api",
  title: "API",

  open(main, context) {
    const catalogue = new Catalogue(context.wamp, changed);
    const search = h("input", {
      type: "search",
      placeholder: "Search",
      "aria-label": "Search procedures and topics",
      "aria-keyshortcuts": "/",
      autocomplete: "off",
      spellcheck: "false",
      input: filter,
      keydown: inSearch,
    });
    const count = h("p", { class: "hint", role: "status" }, "Looking for procedures");
    const notices = h("div");
    const groups = h("div", { class: "groups", keydown: inList });
    const unlisted = h("a", { hidden: true });
    const found = h("div", { class: "found", hidden: true });
    const side = h(
      "div",
      { class: "side" },
      h("div", { class: "search" }, search, h("kbd", { "aria-hidden": "true" }, "/")),
      count,
      notices,
      unlisted,
      groups,
    );
    put(main, side, found);
    let rows = [];
    let shown; // {kind, uri, text}: what is open, and as it was described
    put(found, welcome());

    addEventListener("keydown", (event) => {
      if (main.hidden || event.defaultPrevented || document.querySelector("dialog[open]")) return;
      const isTyping = event.target.closest?.("input, textarea, select");
      if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        location.hash = "#/api";
        search.focus();
        search.select();
      } else if (event.key === "Escape" && shown && event.target !== search) {
        // What somebody has typed is not lost by the first Escape.
        if (isTyping) return found.querySelector("h2").focus();
        const last = linkOf(shown);
        location.hash = "#/api";
        (last ?? search).focus();
      }
    });

    function changed() {
      const focused = document.activeElement?.hash;
      rows = [];
      put(groups, ...catalogue.apps.map(group));
      put(
        notices,
        ...catalogue.troubles.map((one) =>
          h("div", { class: "notice" }, typeof one === "string" ? one : failure(one)),
        ),
      );
      filter();
      mark();
      if (focused && !document.activeElement?.hash)
        rows.find(({ link }) => link.hash === focused)?.link.focus();
      if (shown) open(shown.kind, shown.uri);
    }

    function group(app) {
      const { title, version, description, sessions, operations } = app;
      const list = h("ul", {});
      const mine = operations.map((one) => {
        const link = h(
          "a",
          { href: address(one) },
          h("code", {}, parts(one.uri)),
          h("span", { class: "badge" }, BADGES[one.kind]),
          one.deprecated === undefined ? null : h("span", { class: "badge old" }, "deprecated"),
          one.summary ? h("span", { class: "summary" }, one.summary) : null,
        );
        const item = h("li", {}, link);
        const text = `${one.uri} ${one.name} ${one.summary}`.toLowerCase();
        return { item, link, text };
      });
      rows.push(...mine);
      put(list, ...mine.map(({ item }) => item));
      const workers = sessions.length > 1 ? ` · ${sessions.length} sessions` : "";
      const element = h(
        "section",
        {},
        h("h2", {}, title, version ? h("span", { class: "hint" }, ` ${version}${workers}`) : null),
        description ? h("p", { class: "hint" }, description) : null,
        list,
      );
      for (const one of mine) one.group = element;
      return element;
    }

    function mark() {
      for (const { link } of rows) {
        if (link.hash === location.hash) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    }

    function filter() {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const full = new Set();
      let visible = 0;
      for (const { item, text, group } of rows) {
        const isHit = words.every((word) => text.includes(word));
        if (item.hidden === isHit) item.hidden = !isHit;
        if (isHit) (full.add(group), visible++);
      }
      for (const element of groups.children) element.hidden = !full.has(element);
      if (catalogue.isReady)
        put(
          count,
          words.length
            ? `${visible} of ${rows.length}`
            : rows.length
              ? `${rows.length} procedures and topics`
              : "Nothing is registered yet.",
        );
      const uri = search.value.trim();
      unlisted.hidden = visible > 0 || !URI.test(uri);
      unlisted.href = address({ kind: "procedure", uri });
      put(unlisted, "Call ", h("code", {}, uri));
    }

    function inSearch(event) {
      if (event.key === "Escape" && search.value) {
        event.preventDefault();
        search.value = "";
        filter();
      } else if (event.key === "ArrowDown" || event.key === "Enter") {
        const first = links()[0];
        if (!first) return;
        event.preventDefault();
        if (event.key === "Enter") first.click();
        else first.focus();
      }
    }

    const linkOf = (one) => rows.find(({ link }) => link.hash === address(one))?.link;

    const links = () => [
      ...(unlisted.hidden ? [] : [unlisted]),
      ...rows.filter(({ item }) => !item.hidden).map(({ link }) => link),
    ];

    function inList(event) {
      const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
      if (!step || event.altKey) return;
      const all = links();
      const place = all.indexOf(document.activeElement);
      if (place < 0) return;
      event.preventDefault();
      if (place === 0 && step === -1) return search.focus();
      all[Math.min(Math.max(place + step, 0), all.length - 1)].focus();
    }

    function open(kind, uri) {
      const operation = catalogue.find(kind, uri);
      const isOther = shown?.kind !== kind || shown.uri !== uri;
      const text = operation && JSON.stringify({ ...operation, app: operation.app?.title });
      // What is not registered at the moment, because its app restarts, stays as it was.
      if (!isOther && (shown.text === text || (!operation && shown.text))) return;
      if (!operation && !catalogue.isReady) {
        shown = { kind, uri };
        return put(found, h("p", { class: "hint" }, "Looking for it"));
      }
      shown = { kind, uri, text };
      const back = h("a", { class: "back", href: "#/api" }, "← All procedures and topics");
      put(found, back, page(operation ?? bare(uri), context));
      if (!isOther) return;
      found.scrollTop = 0;
      if (narrow.matches) scrollTo(0, 0);
      found.querySelector("h2")?.focus({ preventScroll: true });
    }

    return ([kind, uri]) => {
      const isOpen = Boolean(uri) && kind in BADGES;
      main.classList.toggle("has-open", isOpen);
      found.hidden = false;
      if (isOpen) open(kind, uri);
      else {
        const last = shown && linkOf(shown);
        shown = undefined;
        put(found, welcome());
        if (narrow.matches) last?.scrollIntoView({ block: "center" });
      }
      mark();
      return location.hash;
    };
  },
};

const narrow = matchMedia("(max-width: 52rem)");

const welcome = () =>
  h(
    "div",
    { class: "welcome" },
    h(
      "p",
      {},
      "Choose a procedure to read about it and to call it, or a topic to publish to it and to watch it.",
    ),
    h(
      "p",
      { class: "hint" },
      ...[
        ["/", "searches"],
        ["↑", ""],
        ["↓", "go through the list"],
        ["Enter", "opens"],
        ["Esc", "closes"],
      ].flatMap(([key, what]) => [h("kbd", {}, key), ` ${what}  `]),
    ),
  );
