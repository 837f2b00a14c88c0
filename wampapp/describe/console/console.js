// The console's frame: the connection, the tabs, and which of them the address names.

import { connect } from "./wampapp.js";
import { api } from "./api.js";
import { h } from "./dom.js";
import { events } from "./events.js";
import { keepFresh } from "./realm.js";
import { sessions } from "./sessions.js";

// A tab is opened once, and stays as it was left. What `open` returns is called with the rest of the
// address, split at its slashes, whenever the tab is visited; it may return where its link leads then.
const tabs = [api, events, sessions];

const main = document.getElementById("main");
const state = document.getElementById("state");
const realm =
  new URLSearchParams(location.search).get("realm") ??
  document.querySelector("meta[name=wampapp-realm]").content;
const wamp = connect(undefined, { realm });
const context = { wamp, realm };

function tell(text, kind) {
  state.replaceChildren(h("span", {}, text));
  state.dataset.state = kind;
}

wamp.addEventListener("join", () => tell(`Connected to ${realm}`, "joined"));
wamp.addEventListener("leave", () => tell("Away; trying again", "away"));
wamp.addEventListener("refused", ({ detail }) => {
  tell("Refused", "refused");
  main.prepend(
    h("p", { class: "notice", role: "alert" }, `The router refused this page: ${detail.message}`),
  );
});

const links = new Map();
const opened = new Map();

function link({ id, title }) {
  links.set(id, h("a", { href: `#/${id}` }, title));
  document.getElementById("tabs").append(links.get(id));
}

tabs.forEach(link);

// Components of the stack have tabs of their own, which are there once somebody serves them.
async function addTabs() {
  for (const id of await (await fetch("tabs.json")).json()) {
    if (links.has(id)) continue;
    const { tab } = await import(`./tab-${id}.js`);
    if (!(await tab.isServed(wamp)) || links.has(id)) continue;
    tabs.push({ ...tab, id });
    link({ ...tab, id });
    if (location.hash.startsWith(`#/${id}`)) visit();
  }
}

keepFresh(wamp, ["wamp.registration.on_create"], () => addTabs().catch(console.error));

function open(tab) {
  const section = h("section", { class: `tab ${tab.id}`, "aria-label": tab.title });
  main.append(section);
  const page = { section, show: tab.open(section, context) };
  opened.set(tab.id, page);
  return page;
}

function visit() {
  if (location.hash === "#main") return; // of the link that skips the header
  const [id, ...path] = location.hash.replace(/^#\/?/, "").split("/").map(decoded);
  const tab = tabs.find((one) => one.id === id) ?? tabs[0];
  const page = opened.get(tab.id) ?? open(tab);
  for (const [name, { section }] of opened) section.hidden = name !== tab.id;
  for (const [name, link] of links) {
    if (name === tab.id) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${tab.title} – WAMP console`;
  // The address may name a tab that is not there yet.
  const shown = page.show?.(tab.id === id ? path : []);
  if (tab.id === id) links.get(tab.id).href = shown ?? `#/${tab.id}`;
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // somebody wrote a single % by hand
  }
}

addEventListener("hashchange", visit);
visit();
