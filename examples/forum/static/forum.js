// The forum's page. It comes with the posts in it; from here on, WAMP keeps them and the list of online
// members up to date. What members write is inserted as text (textContent), never as markup.

import { connect } from "/_wampapp/wampapp.js";

const wamp = connect();
const [state, write, problem, online, posts, blank, archive] = [
  "state", "write", "problem", "online", "posts", "post", "archive",
].map((id) => document.getElementById(id));
const uri = (name) => `com.example.forum.${name}`;

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

function showPost({ id, name, text, at, picture }) {
  // A post may arrive twice: as an event, and when the page catches up.
  const older = [...posts.children].find((item) => Number(item.dataset.id) <= id);
  if (Number(older?.dataset.id) === id) return;
  const item = blank.content.firstElementChild.cloneNode(true);
  item.dataset.id = id;
  item.querySelector("bdi").textContent = name;
  item.querySelector(".text").textContent = text;
  if (picture) item.querySelector("img").src = `/files/${picture}`;
  const time = item.querySelector("time");
  time.dateTime = at;
  showTime(time);
  posts.insertBefore(item, older ?? null);
}

function showPicture(name, picture) {
  for (const item of posts.children) {
    if (item.querySelector("bdi").textContent === name) item.querySelector("img").src = `/files/${picture}`;
  }
}

function showState(sentence) {
  state.textContent = sentence;
  document.body.classList.toggle("live", sentence === "");
  // What you are typing stays; only sending it has to wait.
  for (const button of document.querySelectorAll("button")) button.disabled = sentence !== "";
}

// What members do.

function onSubmit(form, action) {
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.ariaBusy === "true") return; // ignore a second click
    form.ariaBusy = "true";
    problem.textContent = "";
    try {
      await action(form.elements);
      form.reset();
    } catch (error) {
      const ours = ["wamp.error.invalid_argument", "wamp.error.not_authorized"].includes(error.uri);
      problem.textContent = ours ? error.args[0] : "The forum did not answer; please try again.";
    }
    form.ariaBusy = "false";
  });
}

onSubmit(write, ({ text }) => wamp.call(uri("post"), text.value));

onSubmit(archive, async () => {
  const [bar, link] = [archive.querySelector("progress"), archive.querySelector("a")];
  link.hidden = true;
  bar.hidden = false;
  try {
    for await (const step of wamp.stream(uri("archive"))) {
      if (typeof step === "number") bar.value = step;
      else link.href = step;
    }
    link.hidden = false;
  } finally {
    bar.hidden = true;
  }
});

// The session. It comes back by itself, and what was subscribed is so again.

document.querySelectorAll("time").forEach(showTime);
wamp.addEventListener("leave", () => showState("The forum is away; this page goes on trying."));
wamp.addEventListener("join", async () => {
  showState("");
  const last = Number(posts.firstElementChild?.dataset.id ?? 0);
  const missed = await wamp.call(uri("posts"), last).catch(() => []); // gone again: the next "join" asks again
  missed.forEach(showPost);
});
await wamp.subscribe(uri("posted"), showPost);
await wamp.subscribe(uri("pictured"), showPicture);
await wamp.subscribe(uri("online"), showOnline, { get_retained: true });
