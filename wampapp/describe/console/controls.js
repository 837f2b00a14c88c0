// Fields of one control each. Every field is `{element, control, read, fill}`: `control` is the one
// that a label may be for, `read` returns the value, and `fill` shows one.

import { area, h, json, Unreadable } from "./dom.js";
import { isBytes } from "./schema.js";

const HINTS = {
  "date-time": "2026-01-31T12:00:00Z",
  time: "12:00:00",
  duration: "PT1H30M",
  uuid: "00000000-0000-0000-0000-000000000000",
};

const simple = (control, read, fill) => ({ element: control, control, read, fill });

export function fixed(value) {
  return { element: h("code", { class: "fixed" }, json(value)), read: () => value, fill: () => {} };
}

export function select(choice, label) {
  const control = h(
    "select",
    { "aria-label": label },
    choice.map((value, i) =>
      h("option", { value: i }, typeof value === "string" ? value : JSON.stringify(value)),
    ),
  );
  const fill = (value) => {
    const place = choice.findIndex((one) => JSON.stringify(one) === JSON.stringify(value));
    if (place >= 0) control.value = place;
  };
  return simple(control, () => choice[control.value], fill);
}

// As on the command line: JSON where it is JSON, else a text.
export function anything(label) {
  const control = area(
    { "aria-label": label, rows: "1", required: true, placeholder: "JSON, or text" },
    "",
  );
  const read = () => {
    checked(control);
    try {
      return JSON.parse(control.value);
    } catch {
      return control.value;
    }
  };
  return simple(control, read, (value) => {
    const isPlain = typeof value === "string" && value !== "" && !isJson(value);
    control.value = isPlain ? value : JSON.stringify(value, null, 1);
  });
}

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function checked(control) {
  if (!control.reportValidity()) throw new Unreadable(control.validationMessage);
  return control.value;
}

function number({ schema, label }) {
  const control = h("input", {
    type: "number",
    "aria-label": label,
    required: true,
    min: schema.minimum,
    max: schema.maximum,
    step: schema.type === "integer" ? (schema.multipleOf ?? 1) : "any",
    input: () => control.setCustomValidity(""),
  });
  const read = () => {
    const value = control.valueAsNumber;
    const isLost = schema.type === "integer" && Math.abs(value) > Number.MAX_SAFE_INTEGER;
    control.setCustomValidity(isLost ? "Beyond 2⁵³ a browser loses digits." : "");
    checked(control);
    return value;
  };
  return simple(control, read, (value) => (control.value = value));
}

function text({ schema, label }) {
  const about = {
    "aria-label": label,
    placeholder: HINTS[schema.format],
    minlength: schema.minLength,
    maxlength: schema.maxLength,
    required: schema.minLength > 0,
  };
  // Only an input checks a pattern and shows a calendar; only an area takes more than one line.
  const isLine = schema.pattern || schema.format;
  const control = isLine
    ? h("input", {
        ...about,
        type: schema.format === "date" ? "date" : "text",
        pattern: schema.pattern && partly(schema.pattern),
        title: schema.pattern && `It matches ${schema.pattern}`,
        required: true,
        autocapitalize: "off",
      })
    : area({ ...about, class: "line", rows: "1" }, "");
  if (!isLine) control.addEventListener("keydown", sendOnEnter);
  return simple(
    control,
    () => checked(control),
    (value) => (control.value = value),
  );
}

// A schema's pattern may be found anywhere in a text; an input's is to match the whole.
const partly = (pattern) => `[\\s\\S]*(?:${pattern})[\\s\\S]*`;

function sendOnEnter(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.ctrlKey) return;
  event.preventDefault();
  event.target.form?.requestSubmit();
}

function bytes({ label }) {
  const control = h("input", {
    "aria-label": label,
    placeholder: "base64",
    pattern: "([A-Za-z0-9+\\/]{4})*([A-Za-z0-9+\\/]{2}==|[A-Za-z0-9+\\/]{3}=)?",
    title: "It is base64.",
  });
  const fill = (value) => (control.value = String(value).replace(/^\0/, ""));
  return simple(control, () => `\0${checked(control)}`, fill);
}

function checkbox({ label }) {
  const control = h("input", { type: "checkbox", "aria-label": label });
  return simple(
    control,
    () => control.checked,
    (value) => (control.checked = value === true),
  );
}

/** Makes the control of a type, by the type's name. */
export const MAKERS = {
  boolean: checkbox,
  integer: number,
  number,
  string: (about) => (isBytes(about.schema) ? bytes(about) : text(about)),
  null: () => fixed(null),
};
