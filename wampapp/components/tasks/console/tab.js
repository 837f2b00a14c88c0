// The console's tab for task queues: what waits, what runs and how far it is, and what has failed.

import { failure, h, labelled, pretty, put } from "./dom.js";
import { keepLooking, prefixes } from "./realm.js";

// By which it is found: what is below its prefix.
const MINE = ["enqueue", "follow", "queues", "watch"];
const MAX_ROWS = 200;
const STATES = ["waiting", "scheduled", "ready", "running", "done", "dead", "cancelled"];
const ENDED = ["done", "dead", "cancelled"];
const AGAIN = 1000;

const clock = (seconds) => (seconds ? new Date(seconds * 1000).toLocaleString() : "");

export const tab = {
  title: "Tasks",

  isServed: async (wamp) => (await prefixes(wamp, MINE)).length > 0,

  open(main, { wamp }) {
    document.head.append(h("link", { rel: "stylesheet", href: "tab-tasks.css" }));
    const known = new Map(); // the tasks that are shown, by number
    const isOpen = new Set();
    let stream;
    let prefix;

    const state = h("p", { class: "hint", role: "status" }, "Looking for queues");
    const trouble = h("div", { role: "alert" });
    const which = h("select", { change: () => turnTo(which.value) });
    const filter = h(
      "select",
      { change: reload },
      h("option", { value: "" }, "of every state"),
      ...STATES.map((name) => h("option", { value: name }, name)),
    );
    const counts = h("tbody");
    const head = ["Queue", ...STATES, "Workers", ""].map((name) => h("th", { scope: "col" }, name));
    const rows = h("ol", { class: "tasks", "aria-label": "Tasks, the newest first" });
    const choice = labelled("Task queue", which);
    put(
      main,
      h("div", { class: "bar" }, h("h2", {}, "Tasks"), state),
      choice,
      h(
        "div",
        { class: "wide", tabindex: "0" },
        h("table", {}, h("thead", {}, h("tr", {}, head)), counts),
      ),
      trouble,
      labelled("Show tasks", filter),
      rows,
    );

    const ask = (name, ...payload) => wamp.call(`${prefix}.${name}`, ...payload);

    async function order(name, ...payload) {
      try {
        put(trouble);
        await ask(name, ...payload);
        await reload();
      } catch (error) {
        put(trouble, failure(error));
      }
    }

    async function find() {
      try {
        const found = await prefixes(wamp, MINE);
        if (!found.length) return put(state, "Nobody serves a queue.");
        put(which, ...found.map((one) => h("option", { value: one }, one)));
        choice.hidden = found.length < 2;
        turnTo(found.includes(prefix) ? prefix : found[0]);
        return true;
      } catch (error) {
        if (wamp.session) put(trouble, failure(error));
      }
    }

    async function turnTo(found) {
      stream?.cancel();
      prefix = which.value = found;
      known.clear();
      await reload();
      const mine = (stream = wamp.stream(`${prefix}.watch`));
      try {
        for await (const picture of mine) {
          put(state, prefix);
          showQueues(picture.queues);
          take(picture.tasks);
        }
      } catch (error) {
        // Another queue was chosen; or its owner has gone, and comes back perhaps.
        if (mine !== stream) return;
        put(state, `${prefix} is away: ${error.uri ?? error.message}`);
        setTimeout(() => mine === stream && wamp.session && find(), AGAIN);
      }
    }

    async function reload() {
      try {
        const wanted = filter.value ? { state: filter.value } : {};
        const found = await ask("list", { ...wanted, limit: MAX_ROWS });
        known.clear();
        put(rows);
        take(found);
      } catch (error) {
        if (wamp.session) put(trouble, failure(error));
      }
    }

    function showQueues(found) {
      const held = document.activeElement?.closest?.("tr")?.dataset.queue;
      put(
        counts,
        ...found.map((queue) =>
          h(
            "tr",
            { "data-queue": queue.name },
            h("th", { scope: "row" }, queue.name),
            ...STATES.map((name) => h("td", {}, String(queue[name] ?? 0))),
            h("td", {}, String(queue.workers)),
            h(
              "td",
              {},
              h(
                "button",
                {
                  type: "button",
                  class: "quiet",
                  click: () => order(queue.paused ? "resume" : "pause", queue.name),
                },
                `${queue.paused ? "Resume" : "Pause"} ${queue.name}`,
              ),
            ),
          ),
        ),
      );
      if (held) counts.querySelector(`[data-queue="${CSS.escape(held)}"] button`)?.focus();
    }

    function take(tasks) {
      for (const task of tasks) {
        const old = known.get(task.id);
        if (filter.value && task.state !== filter.value) {
          old?.remove();
          known.delete(task.id);
          continue;
        }
        const row = rowOf(task);
        known.set(task.id, row);
        if (old) {
          const held = old.contains(document.activeElement) && document.activeElement.textContent;
          old.replaceWith(row);
          if (held) focus(row, held);
          continue;
        }
        const next = [...rows.children].find((one) => Number(one.dataset.task) < task.id);
        rows.insertBefore(row, next ?? null);
      }
      while (rows.children.length > MAX_ROWS) {
        known.delete(Number(rows.lastChild.dataset.task));
        rows.lastChild.remove();
      }
    }

    function focus(row, text) {
      const places = [row.querySelector("summary"), ...row.querySelectorAll("button")];
      (places.find((place) => place.textContent === text) ?? places[0]).focus();
    }

    function rowOf(task) {
      const facts = [
        ["Queue", `${task.queue}, priority ${task.priority ?? 0}`],
        ["Enqueued", clock(task.created)],
        ["Due", task.due > task.created ? clock(task.due) : ""],
        ["Started", clock(task.started)],
        ["Ended", clock(task.finished)],
        ["Attempts", `${task.attempt ?? 0}, ${task.failures ?? 0} failed`],
        ["Worker", task.worker ?? ""],
        ["Error", task.error ?? ""],
      ].filter(([, value]) => value);
      const far = task.state === "running" && task.progress !== undefined && task.progress !== null;
      const bar = far
        ? h("progress", { max: "1", value: String(task.progress), "aria-label": "How far it is" })
        : h("span", {});
      const button = ENDED.includes(task.state)
        ? task.state === "done"
          ? null
          : h("button", { type: "button", click: () => order("retry", task.id) }, "Try again")
        : h(
            "button",
            { type: "button", class: "danger", click: () => order("cancel", task.id) },
            "Cancel",
          );
      const details = h(
        "details",
        {
          open: isOpen.has(task.id),
          toggle: () => (details.open ? isOpen.add(task.id) : isOpen.delete(task.id)),
        },
        h(
          "summary",
          {},
          h("span", { class: "number" }, String(task.id)),
          h("strong", {}, task.name || "Group"),
          h("span", { class: "state-of", "data-state": task.state }, task.state),
          bar,
          h("span", { class: "hint" }, (far && task.note) || ""),
        ),
        h(
          "dl",
          {},
          facts.flatMap(([term, value]) => [h("dt", {}, term), h("dd", {}, value)]),
        ),
        task.args?.length ? pretty(task.args) : null,
        Object.keys(task.kwargs ?? {}).length ? pretty(task.kwargs) : null,
        button && h("div", { class: "actions" }, button),
      );
      return h("li", { "data-task": String(task.id) }, details);
    }

    keepLooking(wamp, find);
  },
};
