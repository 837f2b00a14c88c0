// The console's tab for live settings: what they are, changing them, and going back.

import { failure, h, labelled, put, Unreadable } from "./dom.js";
import { prefixes } from "./realm.js";
import { historyOf } from "./tab-settings-history.js";
import { factsOf, say, settingOf } from "./tab-settings-setting.js";

// By which it is found: what is below its prefix.
const MINE = ["values_at", "change", "history", "rollback", "services", "snapshot"];
const AGAIN = 3000;
const CONFLICT = "wampapp.error.conflict";
const REFUSED = "wamp.error.invalid_argument";
const NOTHING = { version: 0, values: {} };

const hint = (text) => h("p", { class: "hint" }, text);

function listed(title, found = []) {
  if (!found.length) return null;
  const items = found.map((one) => h("li", {}, one));
  return h("div", { class: "notice" }, h("p", {}, title), h("ul", {}, items));
}

/** Says what came of a change. */
const told = ({ version, failed, silent, dropped }) => [
  hint(`The settings have version ${version} now.`),
  listed("The change is made, but its handlers have failed:", failed),
  listed("These services did not answer, and were not waited for:", silent),
  listed("Nobody has these settings any longer, so they were left out:", dropped),
];

export const tab = {
  title: "Settings",

  isServed: async (wamp) => (await prefixes(wamp, MINE)).length > 0,

  open(main, { wamp }) {
    document.head.append(h("link", { rel: "stylesheet", href: "tab-settings.css" }));
    const rows = new Map(); // by name
    let prefix;
    let unfollow;
    let now = NOTHING;
    let asked = 0; // counts questions: the answer to an older one than the last is for nobody
    let taken = 0;
    let isSending = false;

    const state = h("p", { class: "hint", role: "status" }, "Looking for settings");
    const which = h("select", { change: () => turnTo(which.value).catch(away) });
    const choice = labelled("Live settings", which);
    const settings = h("ol", { class: "settings", "aria-label": "Settings" });
    const nobody = hint("No service that has these settings is joined, so they cannot be changed.");
    const why = h("input", { maxlength: "500", autocomplete: "off" });
    const trouble = h("div", { role: "alert" });
    const outcome = h("div", { role: "status" });
    const form = h(
      "form",
      { novalidate: true, submit: (event) => change(event.preventDefault()) },
      settings,
      nobody,
      labelled("Reason, for the history", why),
      h("div", { class: "actions" }, h("button", { class: "primary" }, "Change")),
      trouble,
      outcome,
    );
    const ask = (name, ...payload) => wamp.call(`${prefix}.${name}`, ...payload);
    const row = { version: () => now.version, isSending: () => isSending };
    const history = historyOf({ ask, now: () => now, goBack, refusal, away });
    const past = h("section", { "aria-label": "History" }, h("h3", {}, "History"), history.element);
    put(main, h("div", { class: "bar" }, h("h2", {}, "Settings"), state), choice, form, past);
    choice.hidden = form.hidden = past.hidden = true;

    function away(error) {
      if (wamp.session) say(state, `${prefix ?? "The realm"} is away: ${error.uri ?? error.message}`);
    }

    async function look() {
      const found = await prefixes(wamp, MINE);
      if (!found.length) return say(state, "Nobody keeps settings.");
      put(which, ...found.map((one) => h("option", { value: one }, one)));
      choice.hidden = found.length < 2;
      await turnTo(found.includes(prefix) ? prefix : found[0]);
    }

    async function turnTo(found) {
      which.value = found;
      if (found !== prefix) {
        prefix = found;
        unfollow?.();
        for (const one of [settings, trouble, outcome]) put(one);
        rows.clear();
        history.clear();
        now = NOTHING;
        const heard = () => found === prefix && refresh().catch(away);
        // A role that may not subscribe sees changes a little later.
        const followed = wamp.subscribe(`${prefix}.changed`, heard).catch(() => () => {});
        unfollow = async () => (await followed)().catch(() => {});
        await followed;
      }
      await refresh();
    }

    /** Asks for what there is; an event says when, and the keeper what. */
    async function refresh() {
      const mine = ++asked;
      const from = prefix;
      const [snapshot, services] = await Promise.all([ask("snapshot"), ask("services")]);
      if (mine < taken || from !== prefix) return;
      taken = mine;
      const before = now;
      now = snapshot;
      show(services);
      const isOther = now.store !== before.store || now.version < before.version;
      if (isOther) history.clear();
      if (isOther || now.version !== before.version) await history.show();
      if (from === prefix) say(state, `${prefix}, version ${now.version}`);
    }

    function show(services) {
      const names = new Set([...services.flatMap((one) => one.names), ...Object.keys(now.values)]);
      // What is edited stays, also while its service is started again.
      for (const [name, one] of rows)
        if (!names.has(name) && !one.isEdited()) one.element.remove(rows.delete(name));
      for (const name of new Set([...names, ...rows.keys()])) {
        if (!rows.has(name)) {
          rows.set(name, settingOf(name, row));
          const next = [...settings.children].find((one) => one.dataset.setting > name);
          settings.insertBefore(rows.get(name).element, next ?? null);
        }
        rows.get(name).update(factsOf(name, services, now.values));
      }
      form.hidden = past.hidden = false;
      nobody.hidden = services.length > 0;
    }

    async function change() {
      if (isSending) return;
      put(trouble);
      put(outcome);
      const edited = [...rows.values()].filter((one) => one.isEdited());
      try {
        const wanted = edited.map((one) => [one.name, one.wanted()]);
        const given = wanted.filter(([, { value }]) => value !== undefined);
        const values = Object.fromEntries(given.map(([name, { value }]) => [name, value]));
        const reset = wanted.filter(([, { isReset }]) => isReset).map(([name]) => name);
        if (!given.length && !reset.length) {
          edited.forEach((one) => one.done(one.count()));
          return put(outcome, hint("Nothing here differs from what there is."));
        }
        const expect = Math.min(...edited.map((one) => one.version()));
        const counts = edited.map((one) => one.count());
        await during(async () => {
          const answer = await ask("change", values, { reset, why: why.value, expect });
          await refresh().catch(away);
          edited.forEach((one, i) => one.done(counts[i]));
          why.value = "";
          put(outcome, told(answer));
        });
      } catch (error) {
        if (error instanceof Unreadable) return;
        const said = await refusal(error);
        if (error.uri === CONFLICT) {
          // The next try is for what can be seen now.
          for (const one of rows.values()) one.see();
          said.append(h("p", {}, `“Change” sends what is typed here for version ${now.version}.`));
        }
        put(trouble, said);
      }
    }

    async function goBack(version, expect) {
      return await during(async () => {
        const answer = await ask("rollback", version, { expect });
        await refresh().catch(away);
        return told(answer);
      });
    }

    /** Does what changes the settings here, which is not told as news from elsewhere. */
    async function during(work) {
      isSending = true;
      try {
        return await work();
      } finally {
        isSending = false;
        for (const one of rows.values()) one.tell();
      }
    }

    /** Says why not; after a conflict, with what there is now beside it. */
    async function refusal(error) {
      const { uri, args = [] } = error;
      if (uri !== REFUSED && uri !== CONFLICT) return failure(error);
      if (uri === CONFLICT) await refresh().catch(away);
      const sentence = `${uri === CONFLICT ? "Conflict: " : ""}${args[0] ?? uri}`;
      return h("div", { class: "error" }, h("p", {}, sentence));
    }

    // Nothing tells of services that join and leave, and of a keeper that comes back.
    const again = () => (prefix ? refresh() : look());
    setInterval(() => wamp.session && !main.hidden && again().catch(away), AGAIN);
    const join = () => look().catch(away);
    wamp.addEventListener("join", join);
    if (wamp.session) join();
  },
};
