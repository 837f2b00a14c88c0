// What a page hears of settings: node page.mjs URL. Each line says what was seen.

import { connect } from "../../../wampapp/web/browser/wampapp.js";

const wamp = connect(process.argv[2]);
const hear = (version, values) => {
  console.log(version, JSON.stringify(values));
  if (values.banner === "the end") wamp.close();
};
await wamp.subscribe("com.mill.settings.changed", hear, { get_retained: true });
console.log("listens");
