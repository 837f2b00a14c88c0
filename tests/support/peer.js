// AutobahnJS as a peer of tests/support/peer.py, which describes the protocol:
// node peer.js URL REALM
"use strict";

console.log = console.error; // standard output carries only the protocol

const autobahn = require("autobahn");
const readline = require("readline");

const [url, realm] = process.argv.slice(2);

function say(message) {
  process.stdout.write(JSON.stringify(message) + "\n");
}

const endpoints = {
  echo: (args, kwargs) => new autobahn.Result(args, kwargs),
  add: ([a, b]) => a + b,
  fail: ([uri, ...args], kwargs) => {
    throw new autobahn.Error(uri, args, kwargs);
  },
};

const commands = {
  async register(session, { uri, endpoint, options }) {
    return (await session.register(uri, endpoints[endpoint], options)).id;
  },
  async subscribe(session, { uri, options }) {
    const handler = (args, kwargs, details) => {
      const { topic, publication, publisher = null } = details;
      say({ event: { topic: topic || uri, args, kwargs, publication, publisher } });
    };
    return (await session.subscribe(uri, handler, options)).id;
  },
  async call(session, { uri, args = [], kwargs = {}, options = {} }) {
    const value = await session.call(uri, args, kwargs, options);
    const many = value instanceof autobahn.Result;
    return many ? { args: value.args, kwargs: value.kwargs } : { args: [value], kwargs: {} };
  },
  async publish(session, { uri, args = [], kwargs = {}, options = {} }) {
    return (await session.publish(uri, args, kwargs, { ...options, acknowledge: true })).id;
  },
  async leave() {
    connection.close();
    return null;
  },
};

function describe(error) {
  if (error instanceof autobahn.Error) {
    return { uri: error.error, args: error.args, kwargs: error.kwargs };
  }
  return { uri: error.name || "Error", args: [String(error)], kwargs: {} };
}

function transports() {
  if (!url.startsWith("rs://")) {
    return [{ type: "websocket", url }];
  }
  const { hostname, port } = new URL(url);
  return [{ type: "rawsocket", host: hostname, port: Number(port) }];
}

const auth = JSON.parse(process.env.PEER_AUTH || "null");

function keyPair() {
  const nacl = require("tweetnacl");
  return nacl.sign.keyPair.fromSeed(Uint8Array.from(Buffer.from(auth.secret, "hex")));
}

function onchallenge(session, method, extra) {
  if (method === "wampcra") {
    const { salt, iterations, keylen } = extra;
    const { derive_key, sign } = autobahn.auth_cra;
    return sign(salt ? derive_key(auth.secret, salt, iterations, keylen) : auth.secret, extra.challenge);
  }
  return method === "cryptosign" ? autobahn.auth_cryptosign.sign_challenge(keyPair(), extra) : auth.secret;
}

function credentials() {
  if (!auth) {
    return {};
  }
  const pubkey = auth.method === "cryptosign" ? autobahn.auth_cryptosign.public_key(keyPair()) : null;
  const authextra = pubkey ? { pubkey, channel_binding: null } : {};
  return { authmethods: [auth.method], authid: auth.authid, authextra, onchallenge };
}

const connection = new autobahn.Connection({
  transports: transports(),
  realm,
  max_retries: 0,
  ...credentials(),
});

connection.onopen = (session) => {
  say({ joined: session.id });
};
connection.onclose = (reason, details) => {
  say({ left: details.reason || reason });
  process.exit(0);
};

const lines = readline.createInterface({ input: process.stdin });
lines.on("line", async (line) => {
  const command = JSON.parse(line);
  try {
    const result = await commands[command.do](connection.session, command);
    say({ id: command.id, result });
  } catch (error) {
    say({ id: command.id, error: describe(error) });
  }
});
lines.on("close", () => process.exit(0)); // the test is gone, or has no more use for us

connection.open();
