// Makes elements. Whatever comes from elsewhere becomes text here, and never markup.

// What would hide text, or turn it round, is shown by its number.
const TREACHEROUS =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

const numbered = (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** Returns a text with its invisible characters written out, as JSON and Python write them. */
export const visible = (text) => String(text).replace(TREACHEROUS, numbered);

/** Makes an element: functions listen, other values are attributes, strings become text. */
export function h(tag, about = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(about)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== false && value !== undefined)
      element.setAttribute(name, value === true ? "" : value);
  }
  put(element, ...children);
  return element;
}

/** Replaces what is in an element. */
export function put(element, ...children) {
  const nodes = children.flat().filter((child) => child !== null && child !== undefined);
  element.replaceChildren(
    ...nodes.map((child) => (child instanceof Node ? child : visible(child))),
  );
}

let last = 0;
export const newId = () => `n${++last}`;

const MAX_SHOWN = 200_000;

// Octets as WAMP's JSON has them, so that what is shown can be sent back.
const asText = (_, value) =>
  value instanceof Uint8Array
    ? "\0" + btoa(Array.from(value, (octet) => String.fromCharCode(octet)).join(""))
    : value;

/** Returns a value as JSON, without anything invisible in it. */
export const json = (value, indent) => visible(JSON.stringify(value, asText, indent) ?? "null");

/** Shows a value as JSON, on several lines. */
export function pretty(value) {
  const text = json(value, 2);
  const rest = text.length - MAX_SHOWN;
  const shown = rest > 0 ? `${text.slice(0, MAX_SHOWN)}\n… and ${rest} more characters` : text;
  return h("pre", { tabindex: "0" }, shown);
}

/** Shows what a call, an event or the router failed with. */
export function failure(error) {
  const { uri, args = [], kwargs = {} } = error;
  if (!uri) return h("p", { class: "error" }, error.message ?? error);
  const [first, ...others] = args;
  return h(
    "div",
    { class: "error" },
    h("p", {}, h("code", { class: "uri" }, uri)),
    typeof first === "string" ? h("p", {}, first) : null,
    others.length || (first !== undefined && typeof first !== "string") ? pretty(args) : null,
    Object.keys(kwargs).length ? pretty(kwargs) : null,
  );
}

/** Puts a text on the clipboard, and returns what became of that. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return "Copied.";
  } catch {
    return "The browser does not let the page copy; select the text.";
  }
}

/** Reads JSON that somebody typed; says on the field what is wrong with it. */
export function typed(field, isRight, sentence) {
  field.setCustomValidity("");
  let value;
  try {
    value = JSON.parse(field.value);
  } catch (error) {
    field.setCustomValidity(`${sentence} (${error.message})`);
  }
  if (!field.validationMessage && !isRight(value)) field.setCustomValidity(sentence);
  if (!field.reportValidity()) throw new Unreadable(field.validationMessage);
  return value;
}

/** What stands in a field cannot be sent; the field says why. */
export class Unreadable extends Error {}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
export const typedList = (field) => typed(field, Array.isArray, 'Write a JSON list: [1, "two"].');
export const typedObject = (field) => typed(field, isObject, 'Write a JSON object: {"size": 3}.');

/** A field for text of several lines, in which Ctrl+Enter does what the form does. */
export function area(about, value) {
  const field = h("textarea", {
    rows: "2",
    spellcheck: "false",
    autocapitalize: "off",
    ...about,
    input: () => field.setCustomValidity(""),
    keydown: (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      field.form?.requestSubmit();
    },
  });
  field.value = value;
  return field;
}

/** A label above a field. */
export function labelled(label, field) {
  field.id ||= newId();
  return h("div", { class: "field" }, h("label", { for: field.id }, label), field);
}
