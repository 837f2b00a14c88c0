// The arguments of a call or an event: by a form, or as JSON.

import { area, h, json, labelled, put, typedList, typedObject, Unreadable } from "./dom.js";
import { field, named } from "./form.js";
import { resolved } from "./schema.js";

/** Returns a form's fields for an operation: `read` gives `{uri, args, kwargs}`. */
function byForm(operation) {
  const { schemas, captures, parameters } = operation;
  const parts = captures.map(({ name, schema }) =>
    named(name, { ...schema, minLength: 1 }, schemas, { required: true }),
  );
  const given = parameters.map((one) => ({ ...one, field: argument(one, schemas) }));
  const fields = [...parts, ...given.map((one) => one.field)];
  const element = h("div", {}, fields.length ? fields.map((one) => one.element) : nothing());
  const read = () => {
    const uri = filled(operation, new Map(parts.map((one) => [one.name, one.read()])));
    const found = given
      .filter((one) => one.field.isGiven())
      .map((one) => [one.name, one.field.read()]);
    return { uri, ...payload(parameters, new Map(found), schemas) };
  };
  const fill = (values) => {
    for (const one of fields)
      if (values.has(one.name) || one.fillsNothing) one.fill(values.get(one.name));
  };
  return { element, read, fill };
}

const nothing = () => h("p", { class: "hint" }, "It takes no arguments.");

function argument({ name, schema, kind, required }, schemas) {
  if (kind === "rest" || kind === "others") {
    const wanted =
      kind === "rest"
        ? { type: "array", items: schema }
        : { type: "object", additionalProperties: schema };
    const inner = field(wanted, schemas, name);
    const label = h("div", {}, h("span", { class: "name" }, (kind === "rest" ? "*" : "**") + name));
    const element = h("div", { class: "field" }, label, inner.element);
    return { ...inner, name, element, isGiven: () => true, fillsNothing: true };
  }
  const one = named(name, schema, schemas, { required });
  return { ...one, fillsNothing: !required };
}

function filled({ uri }, parts) {
  return uri.replace(/<(?:path:)?(\w+)>/gu, (text, name) => parts.get(name) ?? text);
}

/** Returns arguments by place and by name, as somebody who knows the signature would give them. */
export function payload(parameters, values, schemas) {
  const rest = parameters.find(({ kind }) => kind === "rest");
  const others = parameters.find(({ kind }) => kind === "others");
  const more = (rest && values.get(rest.name)) ?? [];
  const byPlace = parameters.filter(({ kind }) => kind === "any" || kind === "positional");
  // So many are given by place: what must be, and what is required before anything is left out.
  let count = byPlace.findIndex(({ name, required }) => !required || !values.has(name));
  if (count < 0) count = byPlace.length;
  const isForced = ({ name, kind }) => kind === "positional" && values.has(name);
  count = Math.max(count, more.length ? byPlace.length : byPlace.findLastIndex(isForced) + 1);
  const args = byPlace.slice(0, count).map(({ name, schema }) => {
    if (values.has(name)) return values.get(name);
    const { default: otherwise } = resolved(schema, schemas);
    if (otherwise !== undefined) return otherwise;
    throw new Unreadable(`Give ${name} too: a value that is given by its place comes after it.`);
  });
  const named = [...byPlace.slice(count), ...parameters.filter(({ kind }) => kind === "keyword")]
    .filter(({ name }) => values.has(name))
    .map(({ name }) => [name, values.get(name)]);
  const extra = Object.entries((others && values.get(others.name)) ?? {});
  return { args: [...args, ...more], kwargs: Object.fromEntries([...named, ...extra]) };
}

/** Returns values by their names, of arguments that are given by place and by name. */
function byName({ parameters, captures, uri: pattern }, { uri, args, kwargs }) {
  const values = new Map(Object.entries(kwargs));
  const byPlace = parameters.filter(({ kind }) => kind === "any" || kind === "positional");
  args.slice(0, byPlace.length).forEach((value, i) => values.set(byPlace[i].name, value));
  const rest = parameters.find(({ kind }) => kind === "rest");
  if (rest) values.set(rest.name, args.slice(byPlace.length));
  const others = parameters.find(({ kind }) => kind === "others");
  if (others) {
    const known = new Set(parameters.map(({ name }) => name));
    const more = Object.entries(kwargs).filter(([name]) => !known.has(name));
    values.set(others.name, Object.fromEntries(more));
  }
  const components = uri.split(".");
  pattern.split(".").forEach((component, i, all) => {
    const [, path, name] = /^<(path:)?(\w+)>$/u.exec(component) ?? [];
    if (captures.some((one) => one.name === name) && components[i] && components[i] !== component)
      values.set(
        name,
        i === all.length - 1 && path ? components.slice(i).join(".") : components[i],
      );
  });
  return values;
}

function byJson(operation) {
  const isPattern = operation.match !== "exact";
  const uri = h("input", { spellcheck: "false", autocapitalize: "off", required: true });
  uri.value = operation.uri;
  const args = area({}, "[]");
  const kwargs = area({}, "{}");
  const element = h(
    "div",
    {},
    isPattern ? labelled("URI", uri) : null,
    labelled("Arguments, a JSON list", args),
    labelled("Named arguments, a JSON object", kwargs),
  );
  const read = () => ({ uri: uri.value, args: typedList(args), kwargs: typedObject(kwargs) });
  const show = (values) => {
    uri.value = values.uri;
    args.value = json(values.args, values.args.length > 1 ? 1 : undefined);
    kwargs.value = json(values.kwargs, Object.keys(values.kwargs).length > 1 ? 1 : undefined);
  };
  return { element, read, show };
}

/** Makes the fields in which the arguments of an operation are given, with a switch to JSON. */
export function argumentsOf(operation) {
  const raw = byJson(operation);
  if (!operation.isDescribed) return { element: raw.element, read: raw.read };
  const form = byForm(operation);
  const holder = h("div", {}, form.element);
  let isRaw = false;
  const choose = (toRaw) => {
    if (toRaw === isRaw) return;
    try {
      if (toRaw) raw.show(form.read());
      else form.fill(byName(operation, raw.read()));
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      if (!toRaw) return void (choices[1].checked = true); // what was typed is not lost
    }
    isRaw = toRaw;
    put(holder, isRaw ? raw.element : form.element);
  };
  const name = `how-${operation.kind}-${operation.uri}`;
  const choices = ["Form", "JSON"].map((_, i) =>
    h("input", { type: "radio", name, checked: i === 0, change: () => choose(i === 1) }),
  );
  const toggle = h(
    "div",
    { class: "toggle", role: "radiogroup", "aria-label": "How arguments are given" },
    ["Form", "JSON"].map((word, i) => h("label", {}, choices[i], " ", word)),
  );
  const show = (example) => {
    form.fill(new Map(Object.entries(example)));
    choices[0].checked = true;
    isRaw = false;
    put(holder, form.element);
  };
  return { element: holder, toggle, show, read: () => (isRaw ? raw : form).read() };
}
