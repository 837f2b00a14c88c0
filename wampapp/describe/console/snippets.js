// Calls and events, as somebody would write them elsewhere.

import { json, visible } from "./dom.js";

const DEFAULT_URL = /^ws:\/\/(127\.0\.0\.1|localhost):8080\/ws$/;
const DEFAULT_REALM = "realm1";
const OCTETS = /^\0(?:[\w+/]{4})*(?:[\w+/]{2}==|[\w+/]{3}=)?$/;

/** The languages, each with a function of `{verb, uri, args, kwargs, url, realm}`. */
export const languages = { Python: python, JavaScript: javascript, Shell: shell };

const WORD = /^[\p{L}_][\p{L}\p{N}_]*$/u;
const PYTHONS_OWN = new Set(
  (
    "False None True and as assert async await break class continue def del elif else except finally " +
    "for from global if import in is lambda nonlocal not or pass raise return try while with yield"
  ).split(" "),
);

function python({ verb, uri, args, kwargs, url, realm }) {
  const where = [
    ...(DEFAULT_URL.test(url) ? [] : [literal(url)]),
    ...(realm === DEFAULT_REALM ? [] : [`realm=${literal(realm)}`]),
  ];
  const isName = ([name]) => WORD.test(name) && !PYTHONS_OWN.has(name) && name !== "self";
  const named = Object.entries(kwargs);
  const odd = named.filter((one) => !isName(one));
  const given = [
    literal(uri),
    ...args.map(literal),
    ...named.filter(isName).map(([name, value]) => `${name}=${literal(value)}`),
    ...(odd.length ? [`**${literal(Object.fromEntries(odd))}`] : []),
  ].join(", ");
  const lines = {
    call: [`print(client.call(${given}))`],
    stream: [`for item in client.stream(${given}):`, "    print(item)"],
    publish: [`client.publish(${given})`],
  }[verb].map((line) => `    ${line}`);
  return `from wampapp import connect\n\nwith connect(${where.join(", ")}) as client:\n${lines.join("\n")}\n`;
}

/** Returns a value as Python writes it. */
function literal(value) {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object") {
    const pairs = Object.entries(value).map(([name, one]) => `${json(name)}: ${literal(one)}`);
    return `{${pairs.join(", ")}}`;
  }
  if (OCTETS.test(value)) {
    const octets = Array.from(atob(value.slice(1)), (sign) => sign.charCodeAt(0));
    return `bytes.fromhex("${octets.map((octet) => octet.toString(16).padStart(2, "0")).join("")}")`;
  }
  return json(value);
}

function javascript({ verb, uri, args, kwargs, realm }) {
  // An object at the end would be taken for the named arguments.
  const last = args.at(-1);
  const isNeeded =
    Object.keys(kwargs).length ||
    (last !== null && typeof last === "object" && !Array.isArray(last));
  const given = [uri, ...args, ...(isNeeded ? [kwargs] : [])].map((one) => json(one)).join(", ");
  const where = realm === DEFAULT_REALM ? "" : `undefined, { realm: ${json(realm)} }`;
  const line = {
    call: `console.log(await wamp.call(${given}));`,
    stream: `for await (const item of wamp.stream(${given})) console.log(item);`,
    publish: `await wamp.publish(${given});`,
  }[verb];
  return `import { connect } from "/_wampapp/wampapp.js";\n\nconst wamp = connect(${where});\n${line}\n`;
}

function shell({ verb, uri, args, kwargs, url, realm }) {
  const names = Object.keys(kwargs);
  const odd = names.find((name) => !WORD.test(name));
  if (odd !== undefined) return `# The command line cannot name the argument ${json(odd)}.\n`;
  if (JSON.stringify([args, kwargs]).includes('"\\u0000'))
    return "# The command line cannot give octets.\n";
  const words = [
    "wampapp",
    verb === "publish" ? "publish" : "call",
    ...(verb === "stream" ? ["--stream"] : []),
    ...(DEFAULT_URL.test(url) ? [] : ["--url", url]),
    ...(realm === DEFAULT_REALM ? [] : ["--realm", realm]),
    ...(uri.startsWith("-") ? ["--"] : []),
    uri,
    ...args.map(word),
    ...names.map((name) => `${name}=${word(kwargs[name])}`),
  ];
  return `${words.map(quoted).join(" ")}\n`;
}

// A text that could be read as JSON, a named argument or an option is given as JSON.
const isPlain = (value) =>
  typeof value === "string" &&
  /^[\p{L}][\p{L}\p{N} .,:/@_+-]*$/u.test(value) &&
  !/^(true|false|null)$/.test(value);
const word = (value) => (isPlain(value) ? value : json(value));

/** Returns a word as a shell must be given it. */
function quoted(text) {
  if (/^[\w.,:/@=+-]+$/.test(text)) return text;
  const shown = visible(text);
  // Only bash and its like know $'…'; nothing else keeps what cannot be seen.
  if (shown !== text || /[\n\t]/.test(text)) {
    const inner = text.replace(/[\\']/g, "\\$&").replace(/\n/g, "\\n").replace(/\t/g, "\\t");
    return `$'${visible(inner)}'`;
  }
  return `'${text.replace(/'/g, "'\\''")}'`;
}
