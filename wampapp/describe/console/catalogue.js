// What can be called in a realm: what apps say of themselves, and what else is registered.

import { bare, read, wire } from "./document.js";
import { each, keepFresh, list } from "./realm.js";

const DESCRIBES = "wampapp.describe.";
const OF_ITSELF = /^wampapp\.(describe|health)\./;
const CALLEES = "wamp.registration.list_callees";
const PATIENCE = 5000;

export class Catalogue {
  #wamp;
  #changed;
  #registrations = new Map();
  #apps = new Map(); // by the id of the registration that describes them

  /** The apps, each with its title, its sessions and its operations. */
  apps = [];
  /** What could not be found out, in sentences or errors. */
  troubles = [];
  isReady = false;

  /** Keeps itself fresh, and calls `changed` when something has changed. */
  constructor(wamp, changed) {
    this.#wamp = wamp;
    this.#changed = changed;
    // Another router, or the same after a restart, may use an id again.
    wamp.addEventListener("leave", () => (this.#registrations.clear(), this.#apps.clear()));
    const topics = ["on_create", "on_delete"].map((name) => `wamp.registration.${name}`);
    keepFresh(wamp, topics, () => this.#refresh());
  }

  find(kind, uri) {
    for (const { operations } of this.apps)
      for (const one of operations) if (one.kind === kind && one.uri === uri) return one;
  }

  async #refresh() {
    try {
      await this.#ask();
      this.troubles = [...this.#apps.values()].flatMap(({ trouble }) => trouble ?? []);
    } catch (error) {
      if (!this.#wamp.session) return; // it is asked again when the page is back
      this.troubles = [error];
    }
    this.apps = this.#sorted();
    this.isReady = true;
    this.#changed();
  }

  async #ask() {
    const ids = await list(this.#wamp, "registration");
    const there = new Set(ids);
    for (const known of [this.#registrations, this.#apps])
      for (const id of known.keys()) if (!there.has(id)) known.delete(id);
    const fresh = ids.filter((id) => !this.#registrations.has(id));
    const found = await each(this.#wamp, "wamp.registration.get", fresh);
    for (const [id, about] of found) this.#registrations.set(id, about);
    const describing = [...this.#registrations].filter(
      ([id, { uri }]) => String(uri).startsWith(DESCRIBES) && !this.#apps.has(id),
    );
    const described = describing.map(async ([id, { uri }]) => [id, await this.#described(uri)]);
    for (const [id, app] of await Promise.all(described)) this.#apps.set(id, app);
    await Promise.all([...this.#apps].map(([id, app]) => this.#check(id, app)));
  }

  /** Finds out what an app may speak of: of what it has registered or subscribed to itself. */
  async #check(id, app) {
    const wamp = this.#wamp;
    app.callees ??= (await each(wamp, CALLEES, [id])).get(id) ?? [];
    const isIts = (sessions) => sessions.some((one) => app.callees.includes(one));
    const told = new Set(app.operations.map(wire));
    const fresh = [...this.#registrations].filter(
      ([id, about]) => !app.held.has(id) && (told.has(wire(about)) || app.hidden.includes(id)),
    );
    const found = await each(wamp, CALLEES, fresh.map(([id]) => id));
    for (const [id, callees] of found) app.held.set(id, isIts(callees));
    if (app.heard) return;
    const topics = app.operations.filter(({ kind }) => kind === "subscribed");
    const subscribed = topics.map(async (topic) => {
      const [match, uri] = wire(topic).split(" ");
      const id = await wamp.call("wamp.subscription.lookup", uri, { match }, {});
      const all = id && (await each(wamp, "wamp.subscription.list_subscribers", [id]));
      return isIts((all && all.get(id)) ?? []) && topic;
    });
    app.heard = new Set(await Promise.all(subscribed));
  }

  /** Returns what an app says of itself, without what it says of others. */
  #believed({ operations, held, heard }) {
    const its = new Set(
      [...this.#registrations].filter(([id]) => held.get(id)).map(([, about]) => wire(about)),
    );
    return operations.filter(
      (one) =>
        one.kind === "published" ||
        (one.kind === "procedure" ? its.has(wire(one)) : heard?.has(one)),
    );
  }

  async #described(procedure) {
    const session = procedure.slice(DESCRIBES.length);
    const answer = this.#wamp.call(procedure, {});
    const timer = setTimeout(answer.cancel, PATIENCE);
    try {
      return { ...read(await answer), session, held: new Map() };
    } catch (error) {
      const trouble = `Session ${session} did not describe itself: ${error.message}`;
      return { operations: [], hidden: [], session, trouble, held: new Map() };
    } finally {
      clearTimeout(timer);
    }
  }

  #sorted() {
    const apps = new Map();
    const hidden = new Set();
    for (const told of this.#apps.values()) {
      const { title, version, description, session } = told;
      for (const id of told.hidden) if (told.held.get(id)) hidden.add(id);
      const operations = this.#believed(told);
      if (!operations.length) continue;
      // Workers of one app say the same.
      const key = JSON.stringify([title, version]);
      const app = apps.get(key) ?? { title, version, description, sessions: [], operations: [] };
      app.sessions.push(session);
      const known = new Set(app.operations.map(({ kind, uri }) => `${kind} ${uri}`));
      app.operations.push(...operations.filter(({ kind, uri }) => !known.has(`${kind} ${uri}`)));
      apps.set(key, app);
    }
    const found = [...apps.values()].sort((a, b) => a.title.localeCompare(b.title));
    for (const app of found) for (const one of app.operations) one.app = app;
    const described = new Set(found.flatMap(({ operations }) => operations.map(wire)));
    const rest = [...this.#registrations]
      .filter(([id]) => !hidden.has(id))
      .map(([, { uri, match, invoke }]) => bare(String(uri), match, invoke))
      .filter((one) => !OF_ITSELF.test(one.uri) && !described.has(wire(one)))
      .sort((a, b) => (a.uri < b.uri ? -1 : 1));
    if (rest.length) found.push({ title: "Without a description", sessions: [], operations: rest });
    return found;
  }
}
