// What the router holds, asked by WAMP's meta API.

const AT_ONCE = 200;
const GONE = /^wamp\.error\.no_such_(session|registration|subscription)$/;

/** Returns the ids of all registrations or subscriptions. */
export async function list(wamp, kind) {
  const found = await wamp.call(`wamp.${kind}.list`);
  return ["exact", "prefix", "wildcard"].flatMap((match) => found[match] ?? []);
}

/** Asks the same of many ids; those that have gone meanwhile are left out. */
export async function each(wamp, procedure, ids) {
  const answers = new Map();
  for (let start = 0; start < ids.length; start += AT_ONCE) {
    const some = ids.slice(start, start + AT_ONCE);
    const results = await Promise.allSettled(some.map((id) => wamp.call(procedure, id)));
    results.forEach(({ status, value, reason }, i) => {
      if (status === "fulfilled") answers.set(some[i], value);
      else if (!GONE.test(reason.uri)) throw reason;
    });
  }
  return answers;
}

/** Returns the prefixes below which a component is served: all of its procedures are there. */
export async function prefixes(wamp, [first, ...others]) {
  const found = await each(wamp, "wamp.registration.get", await list(wamp, "registration"));
  const uris = new Set([...found.values()].map(({ uri }) => uri));
  return [...uris]
    .filter((uri) => uri.endsWith(`.${first}`))
    .map((uri) => uri.slice(0, -first.length - 1))
    .filter((prefix) => others.every((name) => uris.has(`${prefix}.${name}`)))
    .sort();
}

const DELAY = 150;

/** Calls `refresh` when the page has joined, and soon after each event of one of the topics. */
export function keepFresh(wamp, topics, refresh) {
  let timer;
  let last = Promise.resolve();
  const soon = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      last = last.then(() => wamp.session && refresh());
    }, DELAY);
  };
  // Those that a role may not subscribe to are missed; the list is then as of the last join.
  const watch = () => Promise.allSettled(topics.map((topic) => wamp.subscribe(topic, soon)));
  wamp.addEventListener("join", soon);
  if (wamp.session) watch(soon());
  else wamp.addEventListener("join", watch, { once: true });
  return soon;
}

/**
 * Looks for a component when the page has joined, and after new registrations until `look` returns
 * true: a page may be back before the component is.
 */
export function keepLooking(wamp, look) {
  let isFound = false;
  const again = async () => (isFound = (await look()) === true);
  wamp.addEventListener("join", again);
  if (wamp.session) again();
  keepFresh(wamp, ["wamp.registration.on_create"], () => isFound || again());
}
