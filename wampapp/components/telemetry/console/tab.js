// The console's tab for telemetry: what all services log, and how they are called.

import { failure, h, json, labelled, put } from "./dom.js";
import { keepLooking, prefixes } from "./realm.js";
import { handlerTable, processTable } from "./tab-telemetry-tables.js";

// By which it is found: what is below its prefix.
const MINE = ["report", "attach", "logs", "points"];
const LEVELS = ["debug", "info", "warning", "error", "critical"];
const MAX_LINES = 500;
const PAGE = 100;
const AGAIN = 1000;
const EVERY = 2000;
const SECONDS = 60;

const field = (about) =>
  h("input", { spellcheck: "false", autocapitalize: "off", autocomplete: "off", ...about });
const option = (value, text = value) => h("option", { value }, text);

export const tab = {
  title: "Logs and numbers",

  isServed: async (wamp) => (await prefixes(wamp, MINE)).length > 0,

  open(main, { wamp }) {
    document.head.append(h("link", { rel: "stylesheet", href: "tab-telemetry.css" }));
    let prefix;
    let turn = 0; // counts what was looked for; what comes late is for nobody
    let waiting; // the call that waits for records
    let filters = {};
    let text = "";

    const state = h("p", { class: "hint", role: "status" }, "Looking for who collects");
    const trouble = h("div", { role: "alert" });
    const which = h("select", { change: () => turnTo(which.value) });
    const choice = labelled("Collector", which);
    const handlers = handlerTable((...about) => ask("points", ...about));
    const processes = processTable();
    const kept = h("p", { class: "hint" });

    const words = field({ type: "search" });
    const level = h("select", {}, option("", "all"), ...LEVELS.slice(1).map((one) => option(one)));
    const service = h("select", {}, option("", "all"));
    const trace = field({ placeholder: "4bf92f35…" });
    const lines = h("ol", { class: "logs", "aria-label": "Log records, the newest first" });

    put(
      main,
      h("div", { class: "bar" }, h("h2", {}, "Logs and numbers"), state),
      choice,
      trouble,
      handlers.element,
      processes.element,
      kept,
      h(
        "form",
        { class: "inline filters", submit: (event) => safely(find, event.preventDefault()) },
        labelled("Words", words),
        labelled("From level", level),
        labelled("Service", service),
        labelled("Trace", trace),
        h("button", { class: "primary" }, "Show"),
      ),
      lines,
    );

    const ask = (name, ...payload) => wamp.call(`${prefix}.${name}`, ...payload);

    async function safely(work) {
      try {
        put(trouble);
        return await work();
      } catch (error) {
        if (wamp.session) put(trouble, failure(error));
      }
    }

    async function look() {
      return await safely(async () => {
        const found = await prefixes(wamp, MINE);
        if (!found.length) return put(state, "Nobody collects.");
        put(which, ...found.map((one) => option(one)));
        choice.hidden = found.length < 2;
        await turnTo(found.includes(prefix) ? prefix : found[0]);
        return true;
      });
    }

    async function turnTo(found) {
      prefix = which.value = found;
      await safely(find);
    }

    /** Shows the records that are asked for, and from then on those that come. */
    async function find() {
      const mine = ++turn;
      waiting?.cancel();
      text = words.value;
      filters = {
        ...(level.value && { level: level.value }),
        ...(service.value && { services: [service.value] }),
        ...(trace.value.trim() && { trace: trace.value.trim() }),
      };
      const found = await ask("logs", text, { ...filters, limit: PAGE });
      if (mine !== turn) return;
      put(lines);
      show(found);
      put(state, prefix);
      count(mine);
      follow(mine, found.at(-1)?.id ?? 0);
    }

    async function follow(mine, last) {
      try {
        while (mine === turn) {
          waiting = ask("logs", text, { ...filters, after: last, wait: true, limit: PAGE });
          const found = await waiting;
          if (mine !== turn) return;
          show(found);
          last = found.at(-1)?.id ?? last;
        }
      } catch (error) {
        // Others are looked for; or the collector has gone, and comes back perhaps.
        if (mine !== turn) return;
        put(state, `${prefix} is away: ${error.uri ?? error.message}`);
        setTimeout(() => mine === turn && wamp.session && look(), AGAIN);
      }
    }

    async function count(mine) {
      while (mine === turn && wamp.session) {
        const found = await ask("stats", SECONDS).catch(() => null);
        if (mine !== turn) return;
        if (found) {
          handlers.show(found.handled);
          processes.show(found.instances);
          const [records, dropped] = [found.records, found.dropped].map((one) =>
            one.toLocaleString("en"),
          );
          put(kept, `${records} log records kept${found.dropped ? `, ${dropped} dropped` : ""}`);
          nameServices(found.instances);
        }
        await new Promise((yes) => setTimeout(yes, EVERY));
      }
    }

    function nameServices(instances) {
      const chosen = service.value;
      const names = new Set([...instances.map((one) => one.service), ...(chosen ? [chosen] : [])]);
      const wanted = ["", ...[...names].sort()];
      if (wanted.join("\n") === [...service.options].map((one) => one.value).join("\n")) return;
      put(service, ...wanted.map((one) => option(one, one || "all")));
      service.value = chosen;
    }

    function show(records) {
      if (!records.length && !lines.children.length)
        return put(lines, h("li", { class: "hint" }, "There are no such log records yet."));
      if (records.length) lines.querySelector(":scope > .hint")?.remove();
      for (const record of records) lines.prepend(lineOf(record));
      while (lines.children.length > MAX_LINES) lines.lastElementChild.remove();
    }

    function lineOf(record) {
      const { exception, stack, ...facts } = record.data ?? {};
      const when = new Date(record.t * 1000);
      const worker = record.worker > 1 ? `[${record.worker}]` : "";
      const line = [
        h("time", { datetime: when.toISOString() }, when.toLocaleTimeString("en-GB")),
        h("span", { class: "level" }, record.level),
        h("span", { class: "service" }, `${record.service}${worker}`),
        h("span", { class: "message" }, record.message),
      ];
      const isMore = record.trace || record.data || record.logger !== record.service;
      if (!isMore) return h("li", { "data-level": record.level }, h("div", { class: "line" }, line));
      const follows = () => ((trace.value = record.trace), safely(find), trace.focus());
      const more = h(
        "dl",
        {},
        h("dt", {}, "logger"),
        h("dd", {}, record.logger),
        ...Object.entries(facts).flatMap(([name, value]) => [
          h("dt", {}, name),
          h("dd", {}, h("code", {}, json(value))),
        ]),
        record.trace && h("dt", {}, "trace"),
        record.trace &&
          h("dd", {}, h("button", { type: "button", class: "quiet", click: follows }, record.trace)),
      );
      const blocks = [exception, stack].filter(Boolean).map((one) => h("pre", { tabindex: "0" }, one));
      return h(
        "li",
        { "data-level": record.level },
        h("details", {}, h("summary", { class: "line" }, line), more, ...blocks),
      );
    }

    keepLooking(wamp, look);
  },
};
