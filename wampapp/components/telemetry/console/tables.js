// The tables of the telemetry's tab: what handlers do, and how processes are.

import { h, put } from "./dom.js";

const MIB = 1024 * 1024;
const STEP = 10;
const MINUTES = 10;
const MAX_ROWS = 100;
const [WIDTH, HEIGHT] = [80, 20];
const SVG = "http://www.w3.org/2000/svg";

const whole = (value) => (value === undefined ? "" : Math.round(value).toLocaleString("en"));
const rate = (value) => (value >= 10 ? whole(value) : String(Number(value.toPrecision(2))));

function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
  const [value, unit] = seconds < 1 ? [seconds * 1000, "ms"] : [seconds, "s"];
  return `${Number(value.toPrecision(3))} ${unit}`;
}

function since(seconds) {
  const units = [
    [86400, "days"],
    [3600, "h"],
    [60, "min"],
  ];
  const [size, unit] = units.find(([one]) => seconds >= 2 * one) ?? [1, "s"];
  return `${Math.round(seconds / size)} ${unit}`;
}

const COLUMNS = [
  { title: "Procedure or topic", key: (one) => one.uri, show: (one) => one.uri },
  { title: "Service", key: (one) => one.service, show: (one) => one.service },
  { title: "Calls/s", key: (one) => -one.rate, show: (one) => rate(one.rate) },
  { title: "Errors/s", key: (one) => -one.error_rate, show: (one) => rate(one.error_rate) },
  { title: "p50", key: (one) => -(one.p50 ?? -1), show: (one) => span(one.p50) },
  { title: "p99", key: (one) => -(one.p99 ?? -1), show: (one) => span(one.p99) },
  { title: "Calls", key: (one) => -one.total, show: (one) => whole(one.total) },
  { title: "Errors", key: (one) => -one.errors, show: (one) => whole(one.errors) },
];

const nameOf = (one) => `${one.service}\n${one.is_event}\n${one.uri}`;

/** The table of handlers; each column sorts it, and a line shows the last minutes of each. */
export function handlerTable(points) {
  let by = COLUMNS[2];
  let all = [];
  const lines = new Map(); // the sparkline of each handler, and when it was drawn

  const heads = COLUMNS.map((column) =>
    h(
      "th",
      { scope: "col" },
      h("button", { type: "button", click: () => ((by = column), render()) }, column.title),
    ),
  );
  const body = h("tbody");
  const rest = h("p", { class: "hint" });
  const table = h(
    "table",
    { "aria-label": "Handlers" },
    h("thead", {}, h("tr", {}, ...heads, h("th", { scope: "col" }, `${MINUTES} minutes`))),
    body,
  );
  const element = h("div", { class: "wide", tabindex: "0" }, table, rest);

  function render() {
    const sorted = [...all].sort((a, b) => {
      const [one, other] = [by.key(a), by.key(b)];
      return one < other ? -1 : one > other ? 1 : a.uri < b.uri ? -1 : 1;
    });
    heads.forEach((head, i) =>
      head.setAttribute(
        "aria-sort",
        COLUMNS[i] !== by ? "none" : i < 2 ? "ascending" : "descending",
      ),
    );
    const shown = sorted.slice(0, MAX_ROWS);
    put(
      body,
      ...shown.map((one) => {
        const [first, ...others] = COLUMNS.map((column) => column.show(one));
        const name = h("th", { scope: "row" }, h("code", {}, first), one.is_event ? " (events)" : "");
        const cells = others.map((text) => h("td", {}, text));
        if (one.error_rate) cells[2].className = "bad";
        return h("tr", {}, name, ...cells, h("td", {}, lineOf(one)));
      }),
    );
    put(rest, sorted.length > MAX_ROWS ? `and ${sorted.length - MAX_ROWS} more` : "");
    rest.hidden = sorted.length <= MAX_ROWS;
  }

  function lineOf(one) {
    const known = lines.get(nameOf(one));
    if (known && Date.now() - known.at < STEP * 1000) return known.picture;
    const picture = known?.picture ?? sparkline(`Calls of ${one.uri} over ${MINUTES} minutes`);
    lines.set(nameOf(one), { at: Date.now(), picture });
    const metric = one.is_event ? "wampapp_event_seconds" : "wampapp_call_seconds";
    const from = Date.now() / 1000 - MINUTES * 60 - STEP;
    points(metric, one.service, [one.uri], { step: STEP, since: from }).then(
      (found) => draw(picture, found),
      () => lines.delete(nameOf(one)),
    );
    return picture;
  }

  return {
    element,
    show(handled) {
      all = handled;
      render();
    },
  };
}

function sparkline(title) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", title);
  picture.append(document.createElementNS(SVG, "polyline"));
  return picture;
}

/** Draws how much was added in each step; where nothing was added, there is no point. */
function draw(picture, points) {
  const steps = (MINUTES * 60) / STEP;
  const now = Math.floor(Date.now() / 1000 / STEP);
  const added = new Array(steps).fill(0);
  points.forEach(([t, value], i) => {
    const at = steps - (now - Math.floor(t / STEP)) - 1;
    if (i && at >= 0 && at < steps) added[at] = Math.max(0, value - points[i - 1][1]);
  });
  const most = Math.max(1, ...added);
  const at = (value, i) =>
    `${((i / (steps - 1)) * WIDTH).toFixed(1)},${(HEIGHT - 1 - (value / most) * (HEIGHT - 2)).toFixed(1)}`;
  picture.firstElementChild.setAttribute("points", added.map(at).join(" "));
}

const PROCESS = ["Process", "Memory", "Threads", "Running", "Waiting", "Loop lag", "Up"];

/** The table of processes. */
export function processTable() {
  const body = h("tbody");
  const table = h(
    "table",
    { "aria-label": "Processes" },
    h("thead", {}, h("tr", {}, ...PROCESS.map((title) => h("th", { scope: "col" }, title)))),
    body,
  );
  const row = ({ service, worker, host, pid, started, gauges }) => {
    const gauge = (name) => gauges[`wampapp_${name}`];
    const memory = gauge("memory_bytes");
    const cells = [
      memory === undefined ? "" : `${whole(memory / MIB)} MiB`,
      whole(gauge("threads")),
      whole(gauge("calls_running")),
      whole(gauge("events_waiting")),
      span(gauge("loop_lag_seconds")),
      since(Math.max(0, Date.now() / 1000 - started)),
    ];
    const name = `${service}${worker > 1 ? `[${worker}]` : ""} at ${host}:${pid}`;
    return h("tr", {}, h("th", { scope: "row" }, name), ...cells.map((text) => h("td", {}, text)));
  };
  return {
    element: h("div", { class: "wide", tabindex: "0" }, table),
    show: (instances) => put(body, ...instances.map(row)),
  };
}
