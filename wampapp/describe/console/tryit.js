// Calls a procedure or publishes to a topic, and shows what comes back.

import { argumentsOf } from "./call.js";
import { copy, failure, h, json, pretty, put, Unreadable } from "./dom.js";
import { languages } from "./snippets.js";

const MAX_ITEMS = 500;

const elapsed = (since) => {
  const time = performance.now() - since;
  return time < 1000 ? `${time.toFixed(time < 10 ? 1 : 0)} ms` : `${(time / 1000).toFixed(2)} s`;
};
const many = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;

/** Makes the part of an operation's page in which it is called, or published to. */
export function tryIt(operation, { wamp, realm }) {
  const isTopic = operation.kind !== "procedure";
  const canStream = !isTopic && (operation.progress || !operation.isDescribed);
  const given = argumentsOf(operation);
  const state = h("p", { class: "outcome", role: "status" });
  const output = h("div", { class: "output" });
  const code = h("div");
  const copied = h("span", { role: "status" });
  let stop; // cancels what is running
  let verb = isTopic ? "publish" : "call";

  /** Reads the arguments; says what is wrong with them, if something is. */
  function read() {
    try {
      return given.read();
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      put(state);
      put(output, failure(error));
    }
  }

  async function run(wanted) {
    const values = read();
    if (!values || stop) return;
    verb = wanted;
    const { uri, args, kwargs } = values;
    const since = performance.now();
    const say = (what) => put(state, `${what} ${elapsed(since)}`);
    put(output);
    put(state, wanted === "publish" ? "Publishing" : "Waiting");
    const request = wamp[wanted](uri, ...args, kwargs);
    stop = request.cancel ?? (() => {});
    show();
    try {
      if (wanted === "stream") await follow(request, say);
      else {
        const value = await request;
        say(isTopic ? "Published in" : "Answered in");
        if (!isTopic) put(output, pretty(value));
      }
    } catch (error) {
      say(error.uri === "wamp.error.canceled" ? "Cancelled after" : "Failed after");
      output.append(failure(error));
    }
    stop = undefined;
    show();
  }

  async function follow(request, say) {
    const items = h("ol", { class: "items", "aria-label": "Progressive results" });
    put(output, items);
    let count = 0;
    for await (const item of request) {
      count++;
      items.append(h("li", { value: count }, pretty(item)));
      if (items.children.length > MAX_ITEMS) items.firstChild.remove();
      say(`${many(count, "result")} in`);
    }
    say(`${many(count, "result")}, complete after`);
  }

  const cancel = h("button", { type: "button", click: () => stop?.() }, "Cancel");
  const send = h("button", { class: "primary" }, isTopic ? "Publish" : "Call");
  const stream = canStream
    ? h("button", { type: "button", click: () => run("stream") }, "Stream")
    : null;
  const show = () => {
    const hadFocus = document.activeElement === cancel;
    cancel.hidden = isTopic || !stop;
    send.disabled = Boolean(stop);
    if (stream) stream.disabled = Boolean(stop);
    if (hadFocus && cancel.hidden) send.focus();
  };
  show();

  const copies = Object.entries(languages).map(([name, write]) => {
    const button = h("button", { type: "button", class: "quiet" }, name);
    button.addEventListener("click", async () => {
      const values = read();
      if (!values) return;
      const text = write({ ...values, verb, url: wamp.url, realm });
      put(code, h("pre", { tabindex: "0" }, text));
      put(copied, await copy(text));
    });
    return button;
  });

  const examples = operation.examples.map((example, i) =>
    h(
      "button",
      { type: "button", class: "quiet", click: () => given.show(example), title: json(example) },
      operation.examples.length > 1 ? `Example ${i + 1}` : "Fill in the example",
    ),
  );
  const submit = (event) => {
    event.preventDefault();
    run(isTopic ? "publish" : "call");
  };
  return h(
    "form",
    { class: "try", novalidate: true, submit, "aria-label": isTopic ? "Publish" : "Try it" },
    h(
      "div",
      { class: "bar" },
      h("h3", {}, isTopic ? "Publish" : "Try it"),
      given.show && examples.length ? examples : null,
      given.toggle,
    ),
    given.element,
    h("div", { class: "actions" }, send, stream, cancel),
    state,
    output,
    h(
      "div",
      { class: "copies", role: "group", "aria-label": "Copy as" },
      "Copy as ",
      copies,
      copied,
    ),
    code,
  );
}
