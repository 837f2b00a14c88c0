// Fields made of JSON Schemas, which may hold other fields. They are like those of controls.js.

import { anything, fixed, MAKERS, select } from "./controls.js";
import { h, json, newId, put } from "./dom.js";
import { arms, fits, limits, resolved, typeName, values } from "./schema.js";

const MAX_DEPTH = 6;

/**
 * Makes the field of a value.
 *
 * @param schema what the value may be.
 * @param schemas the schemas that have a name.
 * @param label what the field is called by those who do not see it.
 */
export function field(schema, schemas, label, depth = 0) {
  const found = resolved(schema, schemas);
  const about = { schema: found, schemas, label, depth };
  const choice = values(found);
  const made = () => {
    if (choice) return choice.length === 1 ? fixed(choice[0]) : select(choice, label);
    if (depth > MAX_DEPTH) return anything(label);
    if (arms(found).length) return union(about);
    if (found.type === "array") return Array.isArray(found.items) ? row(about) : items(about);
    if (found.type === "object" || found.properties)
      return found.properties ? record(about) : entries(about);
    return (MAKERS[found.type] ?? (() => anything(label)))(about);
  };
  const one = made();
  // Nobody gives a value to say null, which is what is taken without it.
  if ("default" in found && found.default !== null) one.fill(found.default);
  return one;
}

function union({ schema, schemas, label, depth }) {
  const choice = arms(schema);
  const names = choice.map((arm) => typeName(arm, schemas));
  const holder = h("div");
  const pick = h(
    "select",
    { "aria-label": `Type of ${label}`, change: () => open(pick.value) },
    names.map((name, i) => h("option", { value: i }, name)),
  );
  let inner;
  const open = (place) => {
    inner = field(choice[place], schemas, label, depth + 1);
    put(holder, inner.element);
    pick.value = place;
  };
  open(
    Math.max(
      names.findIndex((name) => name !== "null"),
      0,
    ),
  );
  const fill = (value) => {
    const place = choice.findIndex((arm) => fits(arm, schemas, value));
    open(Math.max(place, 0));
    inner.fill(value);
  };
  return { element: h("div", { class: "union" }, pick, holder), read: () => inner.read(), fill };
}

/** A field with its name; one that may be left out is made when its box is checked. */
export function named(name, schema, schemas, { required, depth = 0 }) {
  const found = resolved(schema, schemas);
  const hints = [typeName(schema, schemas), ...limits(schema, schemas)].join(", ");
  const hint = h("span", { class: "hint" }, hints);
  const holder = h("div");
  let inner;
  const open = () => {
    inner ??= field(schema, schemas, name, depth);
    put(holder, inner.element);
    return inner;
  };
  if (required) {
    const { control } = open();
    if (control) control.id ||= newId();
    const label = h(control ? "label" : "span", { class: "name", for: control?.id }, name);
    const element = h("div", { class: "field" }, h("div", {}, label, " ", hint), holder);
    return { name, element, read: () => inner.read(), fill: inner.fill, isGiven: () => true };
  }
  const box = h("input", {
    type: "checkbox",
    "aria-label": `Give ${name}`,
    change: () => (box.checked ? open() : put(holder)),
  });
  const otherwise = "default" in found ? `, default ${json(found.default)}` : "";
  hint.append(otherwise);
  const element = h(
    "div",
    { class: "field optional" },
    h("label", { class: "name" }, box, " ", name),
    " ",
    hint,
    holder,
  );
  return {
    name,
    element,
    isGiven: () => box.checked,
    read: () => inner.read(),
    fill: (value) => {
      box.checked = value !== undefined;
      if (box.checked) open().fill(value);
      else put(holder);
    },
  };
}

const group = (label, ...children) =>
  h("div", { class: "group", role: "group", "aria-label": label }, ...children);

function record({ schema, schemas, label, depth }) {
  const required = Array.isArray(schema.required) ? schema.required : [];
  const fields = Object.entries(schema.properties).map(([name, one]) =>
    named(name, one, schemas, { required: required.includes(name), depth: depth + 1 }),
  );
  const others =
    schema.additionalProperties instanceof Object
      ? entries({ schema, schemas, label: `More of ${label}`, depth })
      : undefined;
  const read = () =>
    Object.fromEntries([
      ...fields.filter((one) => one.isGiven()).map((one) => [one.name, one.read()]),
      ...Object.entries(others?.read() ?? {}),
    ]);
  const fill = (value) => {
    const rest = new Map(Object.entries(Object(value)));
    for (const one of fields) {
      if (rest.has(one.name) || !required.includes(one.name)) one.fill(rest.get(one.name));
      rest.delete(one.name);
    }
    others?.fill(Object.fromEntries(rest));
  };
  const element = group(label, ...fields.map((one) => one.element), others?.element);
  return { element, read, fill };
}

function row({ schema, schemas, label, depth }) {
  const fields = schema.items.map((one, i) => field(one, schemas, `${label} ${i + 1}`, depth + 1));
  const fill = (value) => fields.forEach((one, i) => i < value?.length && one.fill(value[i]));
  const element = group(label, ...fields.map((one) => one.element));
  return { element, read: () => fields.map((one) => one.read()), fill };
}

// Rows that are added and removed: the items of a list, and the entries of a dictionary.
function rows(label, what, make) {
  const list = h("div", { class: "rows" });
  let all = [];
  const add = (...about) => {
    const one = make(...about);
    const remove = () => {
      all = all.filter((other) => other !== one);
      line.remove();
      button.focus();
    };
    const name = `Remove this ${what} of ${label}`;
    const line = h(
      "div",
      { class: "row" },
      h("div", {}, one.element),
      h("button", { type: "button", class: "quiet", "aria-label": name, click: remove }, "Remove"),
    );
    all.push(one);
    list.append(line);
    return one;
  };
  const press = () => {
    const { element } = add();
    (element.matches("input, textarea, select")
      ? element
      : element.querySelector("input, textarea, select")
    )?.focus();
  };
  const button = h("button", { type: "button", class: "quiet", click: press }, `Add ${what}`);
  button.setAttribute("aria-label", `Add ${what} to ${label}`);
  const clear = () => ((all = []), put(list));
  return { element: group(label, list, button), all: () => all, add, clear };
}

function items({ schema, schemas, label, depth }) {
  const lines = rows(label, "item", () =>
    field(schema.items ?? {}, schemas, `Item of ${label}`, depth + 1),
  );
  for (let i = 0; i < Math.min(schema.minItems ?? 0, 20); i++) lines.add();
  const fill = (value) => {
    lines.clear();
    for (const one of Array.isArray(value) ? value : []) lines.add().fill(one);
  };
  return { element: lines.element, read: () => lines.all().map((one) => one.read()), fill };
}

function entries({ schema, schemas, label, depth }) {
  const lines = rows(label, "entry", (name = "") => {
    const key = h("input", { "aria-label": `Name of an entry of ${label}`, placeholder: "name" });
    key.value = name;
    const one = field(
      schema.additionalProperties ?? {},
      schemas,
      `Value of an entry of ${label}`,
      depth + 1,
    );
    return { ...one, key, element: h("div", { class: "entry" }, key, one.element) };
  });
  const fill = (value) => {
    lines.clear();
    for (const [name, one] of Object.entries(Object(value))) lines.add(name).fill(one);
  };
  const read = () => Object.fromEntries(lines.all().map((one) => [one.key.value, one.read()]));
  return { element: lines.element, read, fill };
}
