const [HELLO, WELCOME, ABORT, CHALLENGE, AUTHENTICATE, GOODBYE] = [1, 2, 3, 4, 5, 6];
const [ERROR, PUBLISH, SUBSCRIBE, EVENT, CALL, CANCEL, RESULT] = [8, 16, 32, 36, 48, 49, 50];
const [REGISTER, INVOCATION, INTERRUPT, YIELD] = [64, 68, 69, 70];

const features = { progressive_call_results: true, call_canceling: true };
const roles = { caller: { features }, callee: { features }, publisher: {}, subscriber: {} };

// Octets are text: NUL, then base64.
const encode = (message) =>
  JSON.stringify(message, (_, v) =>
    v instanceof Uint8Array ? "\0" + btoa(Array.from(v, (c) => String.fromCharCode(c)).join("")) : v,
  );
const decode = (text) =>
  JSON.parse(text, (_, v) => {
    try {
      if (v?.[0] === "\0") return Uint8Array.from(atob(v.slice(1)), (c) => c.charCodeAt(0));
    } catch {}
    return v;
  });

const payload = (all) =>
  all.at(-1)?.constructor === Object ? [all.slice(0, -1), all.at(-1)] : [all];
const result = (_, args = [], kwargs = {}) =>
  args.length > 1 || Object.keys(kwargs).length ? { args, kwargs } : (args[0] ?? null);

export class WampError extends Error {
  constructor(uri, args = [], kwargs = {}) {
    super(args.length ? `${uri}: ${args[0]}` : uri);
    Object.assign(this, { uri, args, kwargs });
  }
}

export const connect = (url, options) => new Client(url, options);

export class Client extends EventTarget {
  #socket;
  #options;
  #ready; // the session
  #settle;
  #ended; // why, if for good
  #failures = 0;
  #lastId = 0;
  #requests = new Map();
  #held = new Set(); // subscriptions and registrations
  #running = new Map();
  session = null;

  constructor(url = new URL("../ws", import.meta.url), options) {
    super();
    this.url = String(url).replace(/^http/, "ws");
    this.#options = { realm: "realm1", timeout: 30, ...options };
    this.#wait();
    this.#dial();
  }

  #wait() {
    this.#ready = new Promise((yes, no) => {
      this.#settle = { yes, no };
      AbortSignal.timeout(this.#options.timeout * 1000).onabort = () =>
        no(new WampError("wampapp.error.not_joined"));
    });
    this.#ready.catch(() => {});
  }

  #dial() {
    const { realm, authid, ticket, authmethods = [ticket ? "ticket" : "anonymous"] } = this.#options;
    const socket = (this.#socket = new WebSocket(this.url, "wamp.2.json"));
    socket.onopen = () => this.#send([HELLO, realm, { authid, authmethods, roles }]);
    socket.onmessage = ({ data }) => this.#take(...decode(data));
    socket.onclose = socket.onerror = () => socket === this.#socket && this.#lost();
  }

  #lost() {
    this.#socket = null;
    if (this.session) {
      this.session = null;
      this.#wait();
      this.#tell("leave");
    }
    for (const held of this.#held) held.id = null;
    for (const stop of this.#running.values()) stop.abort();
    const error = this.#ended ?? new WampError("wampapp.error.connection_lost");
    for (const [id, { isSent, no }] of this.#requests)
      if (isSent) this.#requests.delete(id), no(error);
    if (this.#ended) return this.#settle.no(error);
    const delay = Math.min(100 * 2 ** this.#failures++, 2500);
    setTimeout(() => this.#ended ?? this.#dial(), delay * (1 + Math.random()));
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #send(message) {
    const text = encode(message);
    if (this.#socket?.readyState === 1) this.#socket.send(text);
  }

  #ask(message, early) {
    const id = ++this.#lastId;
    const request = { early };
    const answer = new Promise((yes, no) => Object.assign(request, { yes, no }));
    this.#requests.set(id, request);
    const end = (error) => this.#requests.delete(id) && request.no(error);
    const send = () => {
      if (this.#requests.has(id)) this.#send(message.toSpliced(1, 0, id));
      request.isSent = true;
    };
    this.#ready.then(send).catch(end);
    answer.cancel = () =>
      request.isSent
        ? this.#requests.has(id) && this.#send([CANCEL, id, { mode: "killnowait" }])
        : end(new WampError("wamp.error.canceled"));
    return answer;
  }

  async #hold(code, uri, handler, options = {}) {
    await this.#ready;
    const held = { code, uri, handler, options };
    this.#held.add(held);
    await this.#announce(held);
    return async () => {
      const { id } = held;
      if (this.#held.delete(held) && id && ![...this.#held].some((other) => other.id === id))
        await this.#ask([code + 2, id]);
    };
  }

  async #announce(held, isBack) {
    try {
      // At once, for what follows.
      await this.#ask([held.code, held.options, held.uri], (id) => (held.id = id));
    } catch (error) {
      if (!this.session && !this.#ended) return; // until the next session
      if (isBack && error.uri.endsWith("already_exists"))
        return setTimeout(() => this.#held.has(held) && this.#announce(held, true), 500);
      this.#held.delete(held);
      if (!isBack) throw error;
      this.#tell("error", error);
    }
  }

  async #take(code, id, ...rest) {
    if (code === WELCOME) {
      this.session = id;
      this.#failures = 0;
      // Before what has waited for it.
      this.#ready = Promise.resolve();
      for (const held of this.#held) this.#announce(held, true);
      this.#settle.yes();
      this.#tell("join", rest[0]);
    } else if (code === CHALLENGE) {
      const { ticket } = this.#options;
      this.#send([AUTHENTICATE, await (ticket.call ? ticket() : ticket), {}]);
    } else if (code === ABORT) {
      const [reason] = rest;
      if (!/^wamp.(close|error.unavailable)/.test(reason)) {
        this.#ended = new WampError(reason, id.message ? [id.message] : []);
        this.#tell("refused", this.#ended);
      }
      this.#socket?.close();
    } else if (code === GOODBYE) this.#socket?.close();
    else if (code === EVENT) {
      const [publication, about, args = [], kwargs = {}] = rest;
      for (const held of this.#held) if (held.id === id) (async () => held.handler(...args, kwargs, { publication, ...about }))();
    } else if (code === INVOCATION) this.#run(id, ...rest);
    else if (code === INTERRUPT) this.#running.get(id)?.abort();
    else {
      const number = code === ERROR ? rest.shift() : id;
      const request = this.#requests.get(number);
      const value = code === RESULT ? result(...rest) : rest[0];
      if (rest[0]?.progress) return request?.early?.(value);
      this.#requests.delete(number);
      if (code === ERROR) return request?.no(new WampError(...rest.slice(1)));
      if (code !== RESULT) request?.early?.(value);
      request?.yes(value);
    }
  }

  async #run(id, registration, details, args = [], kwargs = {}) {
    const stop = new AbortController();
    this.#running.set(id, stop);
    const answer = (options, value) => this.#send([YIELD, id, options, [value ?? null]]);
    const progress = (value) => details.receive_progress && answer({ progress: true }, value);
    const context = { ...details, progress, signal: stop.signal };
    try {
      const { handler } = [...this.#held].find((held) => held.id === registration);
      answer({}, await handler(...args, kwargs, context));
    } catch ({ uri = "wamp.error.runtime_error", message, args: values = [message], kwargs }) {
      this.#send([ERROR, INVOCATION, id, {}, uri, values, kwargs ?? {}]);
    }
    this.#running.delete(id);
  }

  call(uri, ...all) {
    return this.#ask([CALL, {}, uri, ...payload(all)]);
  }

  stream(uri, ...all) {
    const items = [];
    let wake, end;
    const note = () => wake?.();
    const message = [CALL, { receive_progress: true }, uri, ...payload(all)];
    const answer = this.#ask(message, (item) => note(items.push(item)));
    answer.catch(() => {}).then(() => note((end = true)));
    const iterate = async function* () {
      try {
        while (items.length || !end) {
          if (items.length) yield items.shift();
          else await new Promise((yes) => (wake = yes));
        }
        const last = await answer;
        if (last !== null) yield last;
      } finally {
        answer.cancel();
      }
    };
    return Object.assign(iterate(), { cancel: answer.cancel });
  }

  async publish(uri, ...all) {
    await this.#ask([PUBLISH, { acknowledge: true }, uri, ...payload(all)]);
  }

  subscribe(uri, handler, options) {
    return this.#hold(SUBSCRIBE, uri, handler, options);
  }

  register(uri, handler, options) {
    return this.#hold(REGISTER, uri, handler, options);
  }

  close() {
    this.#ended ??= new WampError("wampapp.error.closed");
    this.#send([GOODBYE, {}, "wamp.close.normal"]);
    this.#socket?.close();
    this.#settle.no(this.#ended);
  }
}
