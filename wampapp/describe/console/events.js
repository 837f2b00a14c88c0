// The tab in which events are watched as they come, and published.

import {
  area,
  failure,
  h,
  json,
  labelled,
  pretty,
  put,
  typedList,
  typedObject,
  Unreadable,
} from "./dom.js";

const MAX_ROWS = 500;

const clock = (time) =>
  `${time.toLocaleTimeString("en-GB")}.${String(time.getMilliseconds()).padStart(3, "0")}`;

export const events = {
  id: "events",
  title: "Events",

  open(main, { wamp }) {
    const watched = new Map(); // what takes the subscription back, by match and topic
    let waiting = []; // events that are not shown yet, the oldest first
    let isPaused = false;
    let isDue = false;

    const topic = h("input", {
      spellcheck: "false",
      autocapitalize: "off",
      autocomplete: "off",
      placeholder: "com.example.topic",
    });
    const match = h(
      "select",
      {},
      h("option", { value: "exact" }, "this topic"),
      h("option", { value: "prefix" }, "all that begin so"),
      h("option", { value: "wildcard" }, "wildcard, as in a..c"),
    );
    const chips = h("ul", { class: "chips", "aria-label": "What is watched" });
    const trouble = h("div", { role: "alert" });
    const list = h("ol", { class: "tail", "aria-label": "Events, the newest first" });
    const state = h("p", { class: "hint", role: "status" }, "Nothing is watched.");
    const text = h("input", {
      type: "search",
      placeholder: "Filter",
      "aria-label": "Filter the events",
      input: filter,
    });
    const pause = h("button", { type: "button", "aria-pressed": "false", click: toggle }, "Pause");
    const clear = () => ((waiting = []), put(list), tell());

    const key = (how, uri) => `${how} ${uri}`;

    async function watch(how, uri) {
      const name = key(how, uri);
      if (watched.has(name)) return;
      put(trouble);
      watched.set(name, () => {});
      try {
        const stop = await wamp.subscribe(uri, (...values) => came(uri, values), { match: how });
        watched.set(name, stop);
        const remove = () => {
          watched.delete(name);
          chip.remove();
          topic.focus();
          tell();
          stop().catch((error) => put(trouble, failure(error)));
        };
        const words = { exact: "", prefix: "…", wildcard: " (wildcard)" }[how];
        const chip = h(
          "li",
          {},
          h("code", {}, `${uri}${words}`),
          h(
            "button",
            { type: "button", "aria-label": `Stop watching ${uri || "everything"}`, click: remove },
            "×",
          ),
        );
        chips.append(chip);
      } catch (error) {
        watched.delete(name);
        put(trouble, failure(error));
      }
      tell();
    }

    function came(uri, values) {
      const details = values.pop();
      const kwargs = values.pop();
      const event = {
        time: new Date(),
        topic: details.topic ?? uri,
        id: details.publication,
        args: values,
        kwargs,
      };
      waiting.push(event);
      if (waiting.length > MAX_ROWS) waiting.shift();
      if (isDue) return;
      isDue = true;
      requestAnimationFrame(show); // a hundred at once cost one drawing
    }

    function show() {
      isDue = false;
      if (!isPaused && waiting.length) {
        list.prepend(...waiting.map(row).reverse());
        waiting = [];
        while (list.children.length > MAX_ROWS) list.lastChild.remove();
      }
      tell();
    }

    function row({ time, topic, id, args, kwargs }) {
      const named = Object.entries(kwargs).map(([name, value]) => `${name}=${json(value)}`);
      const short = [...args.map((value) => json(value)), ...named].join(" ").slice(0, 400);
      const holder = h("div");
      const open = () => {
        if (holder.hasChildNodes()) return;
        const number = h("p", { class: "hint" }, id === undefined ? "" : `Publication ${id}`);
        put(
          holder,
          number,
          args.length ? pretty(args) : null,
          named.length ? pretty(kwargs) : null,
        );
      };
      const item = h(
        "li",
        {},
        h(
          "details",
          { toggle: open },
          h(
            "summary",
            {},
            h("time", { datetime: time.toISOString() }, clock(time)),
            h("code", { class: "uri" }, topic),
            id === undefined ? null : h("span", { class: "hint id" }, id),
            h("code", { class: "payload" }, short),
          ),
          holder,
        ),
      );
      item.text = `${topic} ${id} ${short}`.toLowerCase();
      item.hidden = !item.text.includes(text.value.toLowerCase());
      return item;
    }

    function filter() {
      const wanted = text.value.toLowerCase();
      for (const item of list.children) item.hidden = !item.text.includes(wanted);
      tell();
    }

    function toggle() {
      isPaused = !isPaused;
      pause.setAttribute("aria-pressed", String(isPaused));
      show();
    }

    function tell() {
      const hits = [...list.children].filter((item) => !item.hidden).length;
      const shown =
        hits === list.children.length
          ? `${hits} events`
          : `${hits} of ${list.children.length} events`;
      const more = isPaused ? `; paused, ${waiting.length} waiting` : "";
      put(state, !watched.size && !list.children.length ? "Nothing is watched." : shown + more);
    }

    const submit = (event) => {
      event.preventDefault();
      const [how, uri] = [match.value, topic.value.trim()];
      if (uri || how === "prefix") watch(how, uri);
      else topic.focus();
    };
    put(
      main,
      h("h2", {}, "Events"),
      h(
        "form",
        { class: "inline", submit },
        labelled("Topic", topic),
        labelled("Match", match),
        h("button", { class: "primary" }, "Watch"),
      ),
      trouble,
      chips,
      publisher(wamp),
      h(
        "div",
        { class: "bar" },
        state,
        text,
        pause,
        h("button", { type: "button", click: clear }, "Clear"),
      ),
      list,
    );

    return ([how, uri]) => {
      if (["exact", "prefix", "wildcard"].includes(how) && (uri || how === "prefix")) {
        match.value = how;
        topic.value = uri ?? "";
        watch(how, uri ?? "");
      }
    };
  },
};

function publisher(wamp) {
  const topic = h("input", {
    required: true,
    spellcheck: "false",
    autocapitalize: "off",
    autocomplete: "off",
  });
  const args = area({}, "[]");
  const kwargs = area({}, "{}");
  const outcome = h("div", { role: "status" });
  const submit = async (event) => {
    event.preventDefault();
    put(outcome);
    try {
      if (!topic.reportValidity()) return;
      await wamp.publish(topic.value.trim(), ...typedList(args), typedObject(kwargs));
      put(outcome, h("p", {}, "Published."));
    } catch (error) {
      if (!(error instanceof Unreadable)) put(outcome, failure(error));
    }
  };
  return h(
    "details",
    { class: "box" },
    h("summary", {}, "Publish an event"),
    h(
      "form",
      { submit, novalidate: true },
      labelled("Topic to publish to", topic),
      labelled("Arguments, a JSON list", args),
      labelled("Named arguments, a JSON object", kwargs),
      h("button", { class: "primary" }, "Publish"),
      outcome,
    ),
  );
}
