// The page of a procedure or a topic.

import { failure, h, json, pretty, put } from "./dom.js";
import { limits, resolved, typeName } from "./schema.js";
import { tryIt } from "./tryit.js";

function heading(kind, app) {
  const name = app?.title && `${app.title} ${app.version ?? ""}`.trim();
  if (kind === "procedure") return app?.sessions.length ? `Procedure of ${name}` : "Procedure";
  return `Topic that ${name ?? "an app"} ${kind === "published" ? "publishes" : "listens to"}`;
}

/** Returns the page of an operation. */
export function page(operation, context) {
  try {
    return described(operation, context);
  } catch (error) {
    // The schemas are somebody else's; one that makes no sense must not take the page away.
    return h("div", {}, h("h2", {}, operation.uri), failure(error));
  }
}

function described(operation, context) {
  const { schemas, app, kind } = operation;
  const isProcedure = kind === "procedure";
  const trying = tryIt(operation, context);
  const jump = () => {
    const field = trying.querySelector("input, textarea, select, .primary");
    trying.scrollIntoView();
    field.focus({ preventScroll: true });
  };
  const about = h(
    "div",
    { class: "about" },
    h("p", { class: "kind" }, heading(kind, app)),
    h("h2", { class: "uri", tabindex: "-1" }, parts(operation.uri)),
    marks(operation),
    h(
      "p",
      { class: "actions jump" },
      h(
        "button",
        { type: "button", class: "quiet", click: jump },
        isProcedure ? "Try it" : "Publish",
      ),
      isProcedure ? null : watching(operation),
    ),
    operation.deprecated === undefined
      ? null
      : h("p", { class: "notice" }, h("strong", {}, "Deprecated. "), operation.deprecated),
    operation.summary ? h("p", { class: "lead" }, operation.summary) : null,
    paragraphs(operation.description),
    operation.isDescribed
      ? h("pre", { class: "signature", tabindex: "0" }, signature(operation))
      : unknown(),
    section(
      "In the URI",
      operation.captures.map((one) => parameter(one, schemas)),
    ),
    section(
      "Parameters",
      operation.parameters.map((one) => parameter(one, schemas)),
    ),
    isProcedure && operation.isDescribed ? results(operation) : null,
    section(
      "Errors",
      operation.errors.map(({ uri, description }) =>
        entry(h("code", {}, uri), null, null, description),
      ),
    ),
    section(
      "Examples",
      operation.examples.map((one) => h("li", {}, pretty(one))),
    ),
  );
  return h("article", {}, about, trying);
}

const unknown = () =>
  h("p", { class: "lead" }, "No app describes this procedure. Give its arguments as JSON.");

/** Returns a URI that may be broken after its dots, with its variable parts marked. */
export function parts(uri) {
  return uri
    .split(/(?<=\.)|(<(?:path:)?\w+>)/u)
    .filter(Boolean)
    .flatMap((part) => [
      part.startsWith("<") ? h("em", {}, part) : part,
      ...(part.endsWith(".") ? [h("wbr")] : []),
    ]);
}

function marks({ match, invoke, concurrency, timeout, captures }) {
  const found = [
    captures.length || match === "exact" ? null : `matches by ${match}`,
    invoke && invoke !== "single" ? `shared, ${invoke}` : null,
    concurrency === undefined ? null : `${concurrency} at the same time`,
    timeout === undefined ? null : `within ${timeout} s`,
  ].filter(Boolean);
  return found.length ? h("p", { class: "hint" }, found.join(" · ")) : null;
}

// A docstring's lines end where its author's screen did; those of a list or of code keep their ends.
function paragraphs(text) {
  const isKept = (one) => /^(\s|[-*•>]|\d+[.)])/m.test(one);
  return text
    .split(/\n\s*\n/)
    .filter((one) => one.trim())
    .map((one) => h("p", { class: "prose" }, isKept(one) ? one : one.replace(/\n/g, " ")));
}

function signature({ name, uri, parameters, result, progress, schemas, kind }) {
  const words = parameters.flatMap((one, i) => {
    const before = parameters[i - 1]?.kind;
    const marks = [];
    if (before === "positional" && one.kind !== "positional") marks.push("/");
    const isFirst = one.kind === "keyword" && before !== "keyword" && before !== "rest";
    if (isFirst) marks.push("*");
    return [...marks, argument(one, schemas)];
  });
  if (parameters.at(-1)?.kind === "positional") words.push("/");
  const shown = `(${words.join(", ")})`;
  const lines = shown.length > 60 ? `(\n${words.map((word) => `  ${word},`).join("\n")}\n)` : shown;
  const arrow = progress ? ` ⇉ ${typeName(progress, schemas)} …` : "";
  const last = kind === "procedure" ? ` → ${typeName(result, schemas)}` : "";
  return `${name || uri.split(".").at(-1)}${lines}${arrow}${last}`;
}

function argument({ name, schema, kind, required }, schemas) {
  const stars = { rest: "*", others: "**" }[kind] ?? "";
  const found = resolved(schema, schemas);
  const otherwise = "default" in found ? ` = ${json(found.default)}` : " = …";
  return `${stars}${name}: ${typeName(schema, schemas)}${required || stars ? "" : otherwise}`;
}

function section(title, entries) {
  return entries.length ? [h("h3", {}, title), h("ul", { class: "entries" }, ...entries)] : null;
}

function entry(name, type, limits, description) {
  return h(
    "li",
    {},
    h("p", {}, name, " ", type, limits ? h("span", { class: "hint" }, limits) : null),
    description ? h("p", { class: "prose" }, description) : null,
  );
}

function parameter({ name, schema, kind, required = true, rest }, schemas) {
  const found = resolved(schema, schemas);
  const said = [
    ...limits(schema, schemas),
    {
      positional: "by place only",
      keyword: "by name only",
      rest: "any number by place",
      others: "any others by name",
    }[kind],
    rest ? "all components that follow" : undefined,
    required || kind === "rest" || kind === "others"
      ? undefined
      : "default" in found
        ? `default ${json(found.default)}`
        : "may be left out",
  ].filter(Boolean);
  return entry(
    h("code", { class: "name" }, name),
    type(schema, schemas),
    said.join(", "),
    text(found.description),
  );
}

const text = (value) => (typeof value === "string" ? value : "");

function results({ result, resultDescription, progress, schemas }) {
  const shown = entry(
    type(result, schemas),
    null,
    limits(result, schemas).join(", "),
    resultDescription,
  );
  return [
    ...(progress
      ? section("Each progressive result", [
          entry(type(progress, schemas), null, limits(progress, schemas).join(", ")),
        ])
      : []),
    ...section("Result", [shown]),
  ];
}

/** Shows a type; the fields of those that have some are made when it is opened. */
function type(schema, schemas, depth = 0) {
  const name = h("code", { class: "type" }, typeName(schema, schemas));
  const all = depth > 8 ? [] : inside(schema, schemas);
  if (!all.length) return name;
  const holder = h("div");
  const open = () => {
    if (holder.hasChildNodes()) return;
    put(
      holder,
      ...all.flatMap(({ title, description, properties, required }) => [
        all.length > 1 ? h("p", { class: "hint" }, title) : null,
        text(description) ? h("p", { class: "prose" }, description) : null,
        h(
          "ul",
          { class: "entries" },
          ...Object.entries(properties).map(([field, one]) => {
            const found = resolved(one, schemas);
            const isRequired = Array.isArray(required) && required.includes(field);
            const otherwise =
              "default" in found ? `default ${json(found.default)}` : "may be left out";
            const said = [...limits(one, schemas), ...(isRequired ? [] : [otherwise])].join(", ");
            return entry(
              h("code", { class: "name" }, field),
              type(one, schemas, depth + 1),
              said,
              text(found.description),
            );
          }),
        ),
      ]),
    );
  };
  return h("details", { class: "type", toggle: open }, h("summary", {}, name), holder);
}

/** Returns the objects with fields that a type consists of: itself, its arms, its items. */
function inside(schema, schemas, depth = 0) {
  const found = resolved(schema, schemas);
  if (depth > 3) return [];
  if (found.properties) return [found];
  const within = [found.anyOf, found.oneOf, found.items, found.additionalProperties].flat();
  return within
    .filter((one) => one instanceof Object)
    .flatMap((one) => inside(one, schemas, depth + 1));
}

function watching({ uri, match, captures }) {
  const how = captures.length ? (uri.includes("<path:") ? "prefix" : "wildcard") : match;
  const pattern = uri.replace(/<path:\w+>$/u, "").replace(/<\w+>/gu, "");
  const href = `#/events/${how}/${encodeURIComponent(pattern)}`;
  return h("a", { href }, "Watch its events");
}
