// The tab that shows who is there, and what they have registered and subscribed.

import { failure, h, put } from "./dom.js";
import { each, keepFresh, list } from "./realm.js";

const TOPICS = [
  "wamp.session.on_join",
  "wamp.session.on_leave",
  ...["registration.on_create", "registration.on_delete", "registration.on_register"],
  ...["registration.on_unregister", "subscription.on_create", "subscription.on_delete"],
  ...["subscription.on_subscribe", "subscription.on_unsubscribe"],
].map((name) => (name.startsWith("wamp.") ? name : `wamp.${name}`));

const NOT_HERE =
  "This router does not let pages end sessions: it has wamp.session.kill only in realms with roles.";

export const sessions = {
  id: "sessions",
  title: "Sessions",

  open(main, { wamp }) {
    const since = new Map(); // when they joined, of those that joined while we looked
    const state = h("p", { class: "hint", role: "status" }, "Asking the router");
    const rows = h("ul", { class: "people" });
    const isOpen = new Set();
    let shown = new Map(); // each session's row, and what it says
    const refresh = keepFresh(wamp, TOPICS, ask);
    const again = h("button", { type: "button", class: "quiet", click: refresh }, "Ask again");
    put(main, h("div", { class: "bar" }, h("h2", {}, "Sessions"), state, again), rows);

    const noted = ({ session }) => since.set(session, new Date());
    const note = () => wamp.subscribe("wamp.session.on_join", noted).catch(() => {}); // not allowed
    if (wamp.session) note();
    else wamp.addEventListener("join", note, { once: true });

    async function ask() {
      try {
        const ids = await wamp.call("wamp.session.list");
        const found = await each(wamp, "wamp.session.get", ids);
        const registered = await held("registration", "callees");
        const subscribed = await held("subscription", "subscribers");
        put(state, `${found.size} joined`);
        const focused = document.activeElement?.closest?.(".people li")?.dataset.session;
        const last = ([id]) => id === wamp.session;
        const sorted = [...found].sort((a, b) => last(a) - last(b));
        const before = shown;
        shown = new Map();
        for (const [id, about] of sorted) {
          const facts = [about, registered.get(id), subscribed.get(id)];
          const text = JSON.stringify([since.get(id), ...facts]);
          const old = before.get(id);
          shown.set(id, old?.text === text ? old : { text, element: row(id, ...facts) });
        }
        arrange(rows, [...shown.values()].map(({ element }) => element));
        if (focused) rows.querySelector(`[data-session="${focused}"] summary`)?.focus();
      } catch (error) {
        if (wamp.session) put(rows, h("li", {}, failure(error)));
      }
    }

    /** Returns what each session has, by the session's id. */
    async function held(kind, members) {
      const ids = await list(wamp, kind);
      const [about, who] = await Promise.all([
        each(wamp, `wamp.${kind}.get`, ids),
        each(wamp, `wamp.${kind}.list_${members}`, ids),
      ]);
      const found = new Map();
      for (const [id, all] of who)
        for (const session of all)
          if (about.has(id)) found.set(session, [...(found.get(session) ?? []), about.get(id)]);
      return found;
    }

    function row(id, about, registered = [], subscribed = []) {
      const app = about.authextra?.app;
      const isOurs = id === wamp.session;
      const name = isOurs ? "This console" : typeof app === "string" ? app : "Without a name";
      const facts = [
        ["Session", id],
        [
          "Who",
          `${about.authid ?? "?"}, role ${about.authrole ?? "?"}, by ${about.authmethod ?? "?"}`,
        ],
        ["Transport", transport(about.transport)],
        ["Since", since.get(id)?.toLocaleTimeString("en-GB") ?? "before this page looked"],
      ];
      const details = h(
        "details",
        { open: isOpen.has(id), toggle: () => (details.open ? isOpen.add(id) : isOpen.delete(id)) },
        h(
          "summary",
          {},
          h("strong", {}, name),
          h("span", { class: "hint" }, `${about.authid ?? id} · ${about.authrole ?? ""}`),
          h(
            "span",
            { class: "hint" },
            `${registered.length} registered · ${subscribed.length} subscribed`,
          ),
        ),
        h(
          "dl",
          {},
          facts.flatMap(([term, value]) => [h("dt", {}, term), h("dd", {}, value)]),
        ),
        uris("Registered", registered),
        uris("Subscribed", subscribed),
        isOurs
          ? null
          : h(
              "button",
              { type: "button", class: "danger", click: () => confirm(id, name) },
              "End this session",
            ),
      );
      return h("li", { "data-session": id }, details);
    }

    function confirm(id, name) {
      const outcome = h("div", { role: "alert" });
      const kill = async (event) => {
        event.preventDefault();
        try {
          await wamp.call("wamp.session.kill", id, {});
          dialog.close();
          refresh();
        } catch (error) {
          const isMissing = error.uri === "wamp.error.no_such_procedure";
          put(outcome, isMissing ? h("p", { class: "error" }, NOT_HERE) : failure(error));
        }
      };
      const dialog = h(
        "dialog",
        { "aria-labelledby": "kill", close: () => dialog.remove() },
        h(
          "form",
          { submit: kill },
          h("h2", { id: "kill" }, "End this session?"),
          h(
            "p",
            {},
            `${name}, session ${id}, is told to go, and its calls fail. A client that reconnects comes back with another session.`,
          ),
          outcome,
          h(
            "div",
            { class: "actions" },
            h("button", { class: "danger" }, "End it"),
            h(
              "button",
              { type: "button", autofocus: true, click: () => dialog.close() },
              "Keep it",
            ),
          ),
        ),
      );
      document.body.append(dialog);
      dialog.showModal();
    }
  },
};

/** Puts elements into a list. Those that are there already stay: somebody may be clicking on them. */
function arrange(list, elements) {
  const wanted = new Set(elements);
  for (const old of [...list.children]) if (!wanted.has(old)) old.remove();
  elements.forEach((element, i) => {
    if (list.children[i] !== element) list.insertBefore(element, list.children[i] ?? null);
  });
}

function uris(title, found) {
  if (!found.length) return null;
  const sorted = found
    .map(({ uri, match }) => (match === "exact" ? uri : `${uri} (${match})`))
    .sort();
  return [
    h("h3", {}, title),
    h("ul", { class: "uris" }, ...sorted.map((uri) => h("li", {}, h("code", {}, uri)))),
  ];
}

function transport(found) {
  const { channel_framing, channel_serializer, websocket_protocol, peer } = found ?? {};
  const spoken =
    channel_serializer ??
    String(websocket_protocol ?? "")
      .split(".")
      .at(-1);
  return [channel_framing, spoken, peer].filter(Boolean).join(", ") || "unknown";
}
