// What JSON Schemas say, in words: the type, and the limits.

const MAX_DEPTH = 5;
const MAX_VALUES = 8;

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const asText = (value) => JSON.stringify(value) ?? "";

/** Returns a schema with its references followed, and what it is composed of put into one. */
export function resolved(schema, schemas, depth = 0) {
  if (!isObject(schema) || depth > 20) return {};
  const { $ref, allOf, ...own } = schema;
  const parts = Array.isArray(allOf) ? allOf : [];
  const named = typeof $ref === "string" ? schemas[nameOf($ref)] : undefined;
  if (named === undefined && !parts.length) return own;
  const all = [...[named, ...parts].map((one) => resolved(one, schemas, depth + 1)), own];
  const required = [...new Set(all.flatMap((one) => one.required ?? []))];
  return Object.assign({}, ...all, required.length ? { required } : {});
}

const nameOf = (reference) => reference.replace("#/components/schemas/", "");

/** Returns the schemas one of which a value has; none, if there is no choice. */
export function arms({ anyOf, oneOf, type, ...rest }) {
  const found = anyOf ?? oneOf;
  if (Array.isArray(found)) return found;
  return Array.isArray(type) ? type.map((one) => ({ ...rest, type: one })) : [];
}

/** Returns the only value that is allowed, in a list; else the values that are; else undefined. */
export function values(schema) {
  if ("const" in schema) return [schema.const];
  return Array.isArray(schema.enum) ? schema.enum : undefined;
}

export const isBytes = (schema) => schema.contentEncoding === "base64";

/** Returns a type in a few words: `string`, `integer[]`, `Address | null`. */
export function typeName(schema, schemas, depth = 0) {
  if (depth > MAX_DEPTH) return "…";
  const deeper = (one) => typeName(one, schemas, depth + 1);
  const found = resolved(schema, schemas);
  if (typeof found.title === "string" && (found.properties || found.enum || found.items))
    return found.title;
  const choice = values(found);
  if (choice) {
    const shown = choice.slice(0, MAX_VALUES).map(asText);
    return [...shown, ...(choice.length > MAX_VALUES ? ["…"] : [])].join(" | ");
  }
  const union = arms(found);
  if (union.length) return [...new Set(union.map(deeper))].join(" | ");
  if (isBytes(found)) return "bytes";
  if (found.type === "array") {
    if (Array.isArray(found.items)) return `[${found.items.map(deeper).join(", ")}]`;
    if (!isObject(found.items)) return "list";
    const items = deeper(found.items);
    return items.includes(" | ") ? `(${items})[]` : `${items}[]`;
  }
  if (found.type === "object" && isObject(found.additionalProperties))
    return `{string: ${deeper(found.additionalProperties)}}`;
  return typeof found.type === "string" ? found.type : "any";
}

const LIMITS = [
  ["minimum", (n) => `at least ${n}`],
  ["exclusiveMinimum", (n) => `more than ${n}`],
  ["maximum", (n) => `at most ${n}`],
  ["exclusiveMaximum", (n) => `less than ${n}`],
  ["multipleOf", (n) => `a multiple of ${n}`],
  ["minLength", (n) => `at least ${n} characters`],
  ["maxLength", (n) => `at most ${n} characters`],
  ["minItems", (n) => `at least ${n} items`],
  ["maxItems", (n) => `at most ${n} items`],
  ["minProperties", (n) => `at least ${n} entries`],
  ["maxProperties", (n) => `at most ${n} entries`],
  ["format", (name) => `format ${name}`],
  ["pattern", (pattern) => `matches ${pattern}`],
];

/** Returns the limits of a schema, each in a few words. */
export function limits(schema, schemas, depth = 0) {
  const found = resolved(schema, schemas);
  if (isBytes(found)) return [];
  const words = Array.isArray(found.items) ? LIMITS.slice(0, 7) : LIMITS;
  const said = words.filter(([word]) => word in found).map(([word, say]) => say(found[word]));
  const [only, ...more] = arms(found).filter((arm) => resolved(arm, schemas).type !== "null");
  const isEnough = said.length || !only || more.length || depth > MAX_DEPTH;
  return isEnough ? said : limits(only, schemas, depth + 1);
}

/** Returns whether a value may be meant by a schema; only its surface is looked at. */
export function fits(schema, schemas, value, depth = 0) {
  const found = resolved(schema, schemas);
  const choice = values(found);
  if (choice) return choice.some((one) => asText(one) === asText(value));
  const union = arms(found);
  if (union.length)
    return depth < MAX_DEPTH && union.some((arm) => fits(arm, schemas, value, depth + 1));
  if (found.type === "object" || isObject(found.properties)) {
    if (!isObject(value)) return false;
    const fields = Object.entries(found.properties ?? {});
    return (
      [found.required ?? []].flat().every((name) => Object.hasOwn(value, name)) &&
      fields.every(
        ([name, one]) =>
          !(name in value) ||
          !values(resolved(one, schemas)) ||
          fits(one, schemas, value[name], depth + 1),
      )
    );
  }
  if (found.type === "array") return Array.isArray(value);
  if (found.type === "integer") return Number.isInteger(value);
  if (found.type === "null") return value === null;
  if (found.type === undefined) return true;
  return typeof value === found.type;
}
