// What can be called in a realm: what apps say of themselves, and what else is registered.

import { bare, read, wire } from "./document.js";
import { each, keepFresh, list } from "./realm.js";

const DESCRIBES = "wampapp.describe.";
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
  }

  async #described(procedure) {
    const session = procedure.slice(DESCRIBES.length);
    const answer = this.#wamp.call(procedure, {});
    const timer = setTimeout(answer.cancel, PATIENCE);
    try {
      return { ...read(await answer), session };
    } catch (error) {
      const trouble = `Session ${session} did not describe itself: ${error.message}`;
      return { operations: [], session, trouble };
    } finally {
      clearTimeout(timer);
    }
  }

  #sorted() {
    const apps = new Map();
    for (const { title, version, description, session, operations } of this.#apps.values()) {
      if (!operations.length && !title) continue;
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
    const rest = [...this.#registrations.values()]
      .map(({ uri, match, invoke }) => bare(String(uri), match, invoke))
      .filter((one) => !one.uri.startsWith(DESCRIBES) && !described.has(wire(one)))
      .sort((a, b) => (a.uri < b.uri ? -1 : 1));
    if (rest.length) found.push({ title: "Without a description", sessions: [], operations: rest });
    return found;
  }
}
