"""A site whose pages tell each other who is online, by keys that they hold."""

from wampapp import App
from wampapp.components import KV
from wampapp.web import Response, make_response

PAGE = """<!doctype html>
<title>Who is online</title>
<ul id="list"></ul>
<script type="module" src="/page.js"></script>
"""
SCRIPT = """
import { connect } from "/_wampapp/wampapp.js";
const wamp = connect();
const me = location.search.slice(1);
const online = new Set();

// Nobody else has it, not even this page once it is loaded again.
const holder = `${me} ${Math.random()}`;

async function hold() {
  const stream = wamp.stream("com.shop.kv.hold", `online.${me}`, true, { holder });
  for await (const { revision } of stream) document.title = `at revision ${revision}`;
}

async function watch() {
  for await (const { kind, key } of wamp.stream("com.shop.kv.watch", "online.")) {
    if (kind === "set") online.add(key.slice("online.".length));
    else if (kind !== "current") online.delete(key.slice("online.".length));
    list.replaceChildren(...[...online].sort().map((name) => {
      const item = document.createElement("li");
      item.textContent = name;
      return item;
    }));
  }
}

hold();
watch();
"""

app = App(prefix="com.shop")
kv = KV(app, store="kv.sqlite")
app.include(kv)


@app.route("/")
def index() -> str:
    return PAGE


@app.route("/page.js")
def script() -> Response:
    response = make_response(SCRIPT)
    response.mimetype = "text/javascript"
    return response
