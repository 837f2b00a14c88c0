// A setting in the console's form: what it is, where that comes from, and what somebody types.

import { MAKERS, select } from "./controls.js";
import { area, h, json, newId, put, typed, visible } from "./dom.js";
import { isBytes, limits, resolved, typeName, values } from "./schema.js";

const MAX_SHOWN = 500;
const JSON_HINT = 'Write JSON: 3, "text" or {"size": 3}.';
const ROUNDED = "A page rounds the numbers of this value; set it with “wampapp settings set”.";

const isSame = (one, other) => json(one) === json(other);

/** Changes a text, if it is another: what is the same is not read out again. */
export function say(element, text) {
  if (element.textContent !== visible(text)) put(element, text);
}

/** Returns a value on one line, which may be cut. */
export function short(value) {
  const text = json(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

/** Returns whether JavaScript has rounded a number somewhere in a value. */
function isRounded(value) {
  if (typeof value === "number") return Number.isInteger(value) && !Number.isSafeInteger(value);
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return false;
  return Object.values(value).some(isRounded);
}

/** Returns all that is known of a setting, of which services of two versions may not agree. */
export function factsOf(name, services, live) {
  const parts = services
    .filter(({ names }) => names.includes(name))
    .map(({ service, schema, defaults, pinned }) => {
      const $defs = Object.entries(schema.$defs ?? {});
      const schemas = Object.fromEntries($defs.map(([key, one]) => [`#/$defs/${key}`, one]));
      const { default: _, description, ...kind } = resolved(schema.properties?.[name], schemas);
      const words = [typeName(kind, schemas), ...limits(kind, schemas)].join(", ");
      const pins = pinned.includes(name);
      return { service, kind, words, description, usual: defaults[name] ?? null, pins };
    });
  const distinct = (key) => [...new Map(parts.map((part) => [json(part[key]), part])).values()];
  const isLive = Object.hasOwn(live, name);
  return {
    isLive,
    value: isLive ? live[name] : (parts[0]?.usual ?? null),
    kinds: distinct("kind"),
    usuals: distinct("usual"),
    description: parts.find(({ description }) => description)?.description ?? "",
    pinnedBy: parts.filter(({ pins }) => pins).map(({ service }) => service),
    isPinned: parts.some(({ pins }) => pins),
    isPinnedByAll: parts.length > 0 && parts.every(({ pins }) => pins),
    isKnown: parts.length > 0,
  };
}

/** Makes the control of a setting: that of its type, if it shows all of the value; else JSON. */
function controlOf({ kinds, value }) {
  const { kind } = kinds[0];
  const choice = values(kind);
  if (kinds.length === 1 && !isBytes(kind)) {
    let made;
    if (choice) made = select(choice);
    else if (["boolean", "integer", "number", "string"].includes(kind.type))
      made = MAKERS[kind.type]({ schema: kind });
    made?.fill(value);
    if (made && isShown(made, kind, value)) return made;
  }
  const control = area({ rows: "1" }, json(value, 2));
  const fill = (shown) => (control.value = json(shown, 2));
  return { control, read: () => typed(control, () => true, JSON_HINT), fill, isJson: true };
}

function isShown({ control, read }, { type }, value) {
  if (control.matches("select, [type=checkbox]")) return isSame(read(), value);
  if (typeof value !== (type === "string" ? "string" : "number") || isRounded(value)) return false;
  return control.value === visible(value);
}

/** Shows parts, and which service has which if there are several. */
const each = (parts, text) =>
  parts.map((one) => text(one) + (parts.length > 1 ? ` (${one.service})` : "")).join("; ");

/**
 * Makes the row of a setting.
 *
 * `frame.version()` is the version that is shown, and `frame.isSending()` says whether a change is on
 * its way, whose own news are none.
 */
export function settingOf(name, frame) {
  const id = newId();
  let facts;
  let field; // none, while it can only be read
  let kind; // what the field is for
  let edit; // while somebody edits: what there was at first, and what has been seen since

  const label = h("label", {}, name);
  const source = h("span", { class: "source" });
  const prose = h("p", { class: "prose" });
  const place = h("div");
  const words = h("p", { class: "hint", id: `${id}-words` });
  const reset = h("input", { type: "checkbox", id: `${id}-reset`, change: turnOff });
  const resetLabel = h("label", { for: reset.id });
  const back = h("p", { class: "back" }, reset, resetLabel);
  const news = h("div", { role: "status" });
  const head = h("div", { class: "head" }, label, source);
  const parts = [head, prose, place, words, back, news];
  const element = h("li", { class: "field", "data-setting": name, input: begin }, parts);

  const state = () => json([facts.isLive, facts.value]);
  const begun = (count) => ({ first: state(), seen: state(), version: frame.version(), count });

  function begin() {
    edit ??= begun(0);
    edit.count += 1;
  }

  function turnOff() {
    if (field) field.control.disabled = reset.checked;
  }

  function fill() {
    const isFixed = !facts.isKnown || facts.isPinned;
    const isLost = !isFixed && isRounded(facts.value);
    const made = isFixed ? undefined : controlOf(facts);
    const wanted = made && json([facts.kinds.map((one) => one.kind), made.isJson, isLost]);
    reset.checked = false;
    if (made && wanted === kind) field.fill(facts.value);
    else {
      const isHeld = place.contains(document.activeElement);
      [field, kind] = [made, wanted];
      if (made) {
        Object.assign(made.control, { id, readOnly: isLost });
        made.control.setAttribute("aria-describedby", words.id);
        label.setAttribute("for", id);
        put(place, made.control, isLost ? h("p", { class: "hint" }, ROUNDED) : null);
        if (isHeld) made.control.focus();
      } else {
        label.removeAttribute("for");
        put(place, facts.isPinnedByAll ? null : h("code", {}, short(facts.value)));
      }
    }
    turnOff();
  }

  function describe() {
    const { isKnown, isLive, isPinned, isPinnedByAll, kinds, pinnedBy, usuals, value } = facts;
    say(source, isPinned ? "pinned" : isLive ? "live" : "default");
    say(prose, facts.description);
    prose.hidden = !facts.description;
    const usual = each(usuals, (one) => short(one.usual));
    const sentences = [];
    if (isPinned) sentences.push(`Pinned by the environment of ${pinnedBy.join(" and ")}.`);
    if (isPinnedByAll) sentences.push("What it says there is not told.");
    else if (isPinned) sentences.push(`Elsewhere it is ${short(value)}.`);
    if (isKnown) sentences.push(`${each(kinds, (one) => one.words)}. The default is ${usual}.`);
    else sentences.push("No service that is joined has this setting.");
    say(words, sentences.join(" "));
    say(resetLabel, `Back to the default, ${usual}`);
    back.hidden = !isLive || !isKnown || isPinned;
  }

  function tell() {
    if (!edit || edit.first === state() || frame.isSending()) return put(news);
    const from = facts.isLive ? "" : ", the default";
    const text = `It has changed meanwhile: it is ${short(facts.value)} now${from}.`;
    if (news.querySelector("p")?.textContent === visible(text)) return;
    const take = () => (end(), (field?.control ?? reset).focus());
    const button = h("button", { type: "button", class: "quiet", click: take }, "Take this value");
    put(news, h("div", { class: "notice" }, h("p", {}, text), button));
  }

  function end() {
    edit = undefined;
    fill();
    describe();
    tell();
  }

  return {
    name,
    element,
    tell,
    isEdited: () => edit !== undefined,
    /** Returns how often somebody has typed. */
    count: () => edit?.count,
    /** Returns the version that the edit is made for: that of what is shown, unless it is unseen. */
    version: () => (edit.seen === state() ? frame.version() : edit.version),
    /** Returns what is to become of it: a value, the default, or nothing. */
    wanted() {
      if (reset.checked) return facts.isLive ? { isReset: true } : {};
      if (!field) return {};
      const value = field.read();
      return isSame(value, facts.value) ? {} : { value };
    },
    update(found) {
      if (facts && isSame(facts, found)) return;
      facts = found;
      if (!edit) fill();
      describe();
      tell();
    },
    /** Notes that what there is now has been seen. */
    see() {
      if (edit) Object.assign(edit, { seen: state(), version: frame.version() });
    },
    /** Notes that it is done, but not what somebody has typed since. */
    done(count) {
      if (edit?.count === count) end();
      else edit = begun(edit?.count);
    },
  };
}
