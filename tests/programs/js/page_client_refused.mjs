// The page's client under Node: node page_client_refused.mjs URL REALM AUTHID TICKET

import { connect } from "../../../wampapp/web/browser/wampapp.js";

const [url, realm, authid, ticket] = process.argv.slice(2);
let fetched = 0;
const wamp = connect(url, {
  realm,
  authid,
  ticket: ticket && (async () => (fetched++, ticket)),
});
wamp.addEventListener("refused", ({ detail }) => console.log("refused", detail.uri));
try {
  console.log("result", await wamp.call("wamp.session.get", await wamp.call("wamp.session.count")));
} catch (error) {
  console.log("error", error.uri);
}
console.log("fetched", fetched, "session", wamp.session !== null);
wamp.close();
