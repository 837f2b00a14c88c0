// Reads AsyncAPI documents, as wampapp writes them, into operations: procedures and topics.
// A document is what somebody else says of itself, so nothing in it is relied upon.

const object = (value) =>
  value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
const list = (value) => (Array.isArray(value) ? value : []);
const text = (value) => (typeof value === "string" ? value : "");

/** What a procedure is of which only the URI is known. */
export function bare(uri, match = "exact", invoke = "single") {
  return {
    kind: "procedure",
    uri,
    match,
    invoke,
    isDescribed: false,
    name: "",
    summary: "",
    description: "",
    parameters: [],
    captures: [],
    examples: [],
    errors: [],
    result: {},
    schemas: {},
  };
}

/** Returns what a document says of an app: its title, its version and its operations. */
export function read(document) {
  const { info, channels, operations, components } = object(document);
  const schemas = object(object(components).schemas);
  return {
    title: text(object(info).title) || "Without a title",
    version: text(object(info).version),
    description: text(object(info).description),
    hidden: list(object(object(object(document)["x-wamp"]).hidden).procedures),
    operations: Object.values(object(operations))
      .map((one) => operation(object(one), object(channels), schemas))
      .filter(({ uri }) => uri),
  };
}

function operation(written, channels, schemas) {
  const extras = object(written["x-wamp"]);
  const channel = object(channels[text(object(written.channel).$ref).replace("#/channels/", "")]);
  const messages = object(channel.messages);
  const isTopic = extras.kind === "topic";
  const asked = object(messages[isTopic ? "event" : "call"]);
  const written_examples = list(asked.examples).map((one) => object(object(one).payload));
  const examples = list(extras.examples).map(object);
  return {
    kind: isTopic ? (written.action === "send" ? "published" : "subscribed") : "procedure",
    uri: text(extras.uri),
    match: text(extras.match) || "exact",
    invoke: text(extras.invoke) || "single",
    isDescribed: extras.is_described !== false,
    name: text(written.title),
    summary: text(written.summary),
    description: text(written.description),
    parameters: parameters(object(asked.payload), extras),
    captures: list(extras.captures)
      .map(object)
      .filter(({ name }) => text(name)),
    examples: examples.length ? examples : written_examples,
    errors: list(extras.errors).map(object),
    deprecated: typeof extras.deprecated === "string" ? extras.deprecated : undefined,
    concurrency: extras.concurrency ?? undefined,
    timeout: extras.timeout ?? undefined,
    result: object(object(messages.result).payload),
    resultDescription: text(object(messages.result).summary),
    progress: messages.progress && object(object(messages.progress).payload),
    schemas,
  };
}

function parameters(payload, extras) {
  const kinds = object(extras.kinds);
  const required = list(payload.required);
  const found = Object.entries(object(payload.properties)).map(([name, schema]) => ({
    name,
    schema: object(schema),
    kind: text(kinds[name]) || "any",
    required: required.includes(name),
  }));
  if (text(object(extras.rest).name)) {
    // In a signature, *rest stands before those that are only given by name.
    const place = found.findIndex(({ kind }) => kind === "keyword");
    const { name, schema } = extras.rest;
    const rest = { name, schema: object(schema), kind: "rest", required: false };
    found.splice(place < 0 ? found.length : place, 0, rest);
  }
  if (text(extras.others)) {
    const schema = object(payload.additionalProperties);
    found.push({ name: extras.others, schema, kind: "others", required: false });
  }
  return found;
}

/** Returns what goes over the wire for a URI as it was declared, with its kind of match. */
export function wire({ uri, match }) {
  const pattern = String(uri).replace(/<path:\w+>$/u, "").replace(/<\w+>/gu, "");
  return `${match} ${pattern}`;
}
