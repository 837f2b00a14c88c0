// The forum's page. Flask has rendered the posts; from here on, WAMP keeps them and the list of online
// members up to date. What members write is inserted as text (textContent), never as markup.

const { router, realm, prefix } = document.body.dataset;
const [state, me, signIn, write, problem, online, posts, blank] = [
  "state", "me", "sign-in", "write", "problem", "online", "posts", "post",
].map((id) => document.getElementById(id));

let wamp; // the client of the current session

async function call(procedure, ...args) {
  const { argsList } = await wamp.call(`${prefix}.${procedure}`, args);
  return argsList?.[0];
}

// What is shown.

function showOnline(names) {
  // Change only what differs: a screen reader announces who joins and who leaves.
  for (const item of [...online.children]) {
    if (!names.includes(item.textContent)) item.remove();
  }
  names.forEach((name, place) => {
    if (online.children[place]?.textContent === name) return;
    const item = document.createElement("li");
    item.dir = "auto";
    item.textContent = name;
    online.insertBefore(item, online.children[place] ?? null);
  });
}

function showTime(time) {
  time.textContent = new Date(time.dateTime).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

function showPost({ id, name, text, at }) {
  // A post may arrive twice: as an event, and when the page catches up.
  const older = [...posts.children].find((item) => Number(item.dataset.id) <= id);
  if (Number(older?.dataset.id) === id) return;
  const item = blank.content.firstElementChild.cloneNode(true);
  item.dataset.id = id;
  item.querySelector("bdi").textContent = name;
  item.querySelector(".text").textContent = text;
  const time = item.querySelector("time");
  time.dateTime = at;
  showTime(time);
  posts.insertBefore(item, older ?? null);
}

function showState(sentence) {
  state.textContent = sentence;
  document.body.classList.toggle("live", sentence === "");
  // What you are typing stays; only sending it has to wait.
  for (const button of document.querySelectorAll("button")) button.disabled = sentence !== "";
}

function showMe(name) {
  me.querySelector("bdi").textContent = name ?? "";
  me.hidden = write.hidden = !name;
  signIn.hidden = !me.hidden;
}

// What members do.

async function attempt(action) {
  problem.textContent = "";
  try {
    await action();
  } catch (error) {
    const ours = ["wamp.error.invalid_argument", "wamp.error.not_authorized"].includes(error.errorUri);
    problem.textContent = ours ? error.argsList[0] : "The forum did not answer; please try again.";
  }
}

function onSubmit(form, action) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.ariaBusy === "true") return; // ignore a second click
    form.ariaBusy = "true";
    attempt(async () => {
      await action(form.elements);
      form.reset();
    }).finally(() => (form.ariaBusy = "false"));
  });
}

onSubmit(signIn, async ({ name, password }) => {
  const member = await call("sign_in", name.value, password.value);
  sessionStorage.setItem("token", member.token); // for this tab, until it is closed
  showMe(member.name);
  write.elements.text.focus();
});

onSubmit(write, ({ text }) => call("post", text.value));

document.getElementById("sign-out").addEventListener("click", () =>
  attempt(async () => {
    await call("sign_out", sessionStorage.getItem("token"));
    sessionStorage.removeItem("token");
    showMe(null);
  }),
);

// The session.

async function resume() {
  const token = sessionStorage.getItem("token");
  if (!token) return null;
  try {
    return await call("resume", token);
  } catch (error) {
    if (error.errorUri !== "wamp.error.not_authorized") throw error;
    sessionStorage.removeItem("token");
    return null;
  }
}

async function enter() {
  const last = Number(posts.firstElementChild?.dataset.id ?? 0); // before an event adds a later one
  await wamp.subscribe(`${prefix}.posted`, ({ argsList }) => showPost(argsList[0]));
  for (const post of await call("posts", last)) showPost(post);
  showMe(await resume());
  await wamp.subscribe(`${prefix}.online`, ({ argsList }) => showOnline(argsList[0]), { get_retained: true });
  showState("");
}

/** Join once; resolves when the session has ended, or could not begin. */
function join() {
  return new Promise((ended) => {
    const client = new Wampy(router, { realm, autoReconnect: false, onClose: ended });
    wamp = client;
    client.connect().then(enter).catch(() => client.disconnect());
  });
}

document.querySelectorAll("time").forEach(showTime);
for (;;) {
  await join(); // wampy's own reconnecting stops when a router says GOODBYE; this loop does not
  showState("The forum is away; this page goes on trying.");
  await new Promise((over) => setTimeout(over, 500 + 500 * Math.random()));
}
