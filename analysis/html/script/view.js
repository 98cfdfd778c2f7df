// What the page shows now. Whoever changes it tells the others.
//
// Kinds of news: "run", "axis", "range", "hover", "snapshot", "parts", "theme".

const view = {
  run: report.runs.find(hasResult) ?? report.runs[0],
  // "time" or "event". Where the trace has no clock, time is events at 1,000 ns each.
  axis: "event",
  // [from, to] in units of the axis; null: everything.
  range: null,
  // Index of a sample under the cursor; null: none.
  hover: null,
  // Index of a snapshot; -1: there is none.
  snapshot: -1,
  // Parts that are left out of the stack.
  hidden: new Set(),

  listeners: {},
  on(kinds, listener) {
    for (const kind of kinds.split(" ")) (this.listeners[kind] ??= []).push(listener);
  },
  tell(kind) {
    for (const listener of this.listeners[kind] ?? []) listener(kind);
  },
};

// Where the samples of a run stand on the axis: events, or seconds.
const axisValues = new WeakMap();
function xOf(run, axis = view.axis) {
  let known = axisValues.get(run);
  if (!known) axisValues.set(run, (known = {}));
  known[axis] ??= axis === "event" ? columnOf(run, "event") : columnOf(run, "time_ns").map((ns) => ns / 1e9);
  return known[axis];
}

const xOfMoment = (moment) => (view.axis === "event" ? moment.event : moment.time_ns / 1e9);
const xText = (x, axis = view.axis) => (axis === "event" ? `event ${count(x)}` : seconds(x));

function wholeRange() {
  const x = xOf(view.run);
  return x.length === 0 ? [0, 1] : [Math.min(0, x[0]), Math.max(x[x.length - 1], x[0] + 1e-9)];
}
const shownRange = () => view.range ?? wholeRange();

// Samples in view, as [first, past the last]; at least one where there are any.
function shownSamples() {
  const x = xOf(view.run);
  const [low, high] = shownRange();
  const first = Math.min(lowerBound(x, low), Math.max(0, x.length - 1));
  let past = lowerBound(x, high);
  while (past < x.length && x[past] <= high) ++past;
  return [first, Math.max(past, Math.min(first + 1, x.length))];
}

// The sample in view with the largest RSS; -1 without samples.
function peakInView() {
  const rss = columnOf(view.run, "rss_bytes");
  const [first, past] = shownSamples();
  let peak = first < past ? first : -1;
  for (let at = first; at < past; ++at) if (rss[at] > rss[peak]) peak = at;
  return peak;
}

function setRange(low, high) {
  const [from, to] = wholeRange();
  // Below a millionth there is nothing left to see.
  const least = Math.max((to - from) / 1e6, view.axis === "event" ? 2 : 1e-9);
  const middle = (low + high) / 2;
  if (high - low < least) [low, high] = [middle - least / 2, middle + least / 2];
  low = Math.max(from, low);
  high = Math.min(to, high);
  view.range = low <= from && high >= to ? null : [low, high];
  view.hover = null;
  keepSnapshotInView();
  view.tell("range");
}

function zoom(factor, at = null) {
  const [low, high] = shownRange();
  const middle = at ?? (low + high) / 2;
  setRange(middle - (middle - low) * factor, middle + (high - middle) * factor);
}
const resetRange = () => setRange(...wholeRange());

function setAxis(axis) {
  if (axis === view.axis) return;
  const shown = view.range && shownSamples();
  view.axis = axis;
  const x = xOf(view.run);
  view.range = shown ? [x[shown[0]], x[shown[1] - 1]] : null;
  view.tell("axis");
}

function setRun(run) {
  const before = snapshotsOf(view.run)[view.snapshot];
  view.run = run;
  view.hover = null;
  // The same moment of the other run, where it has it.
  const same = before ? snapshotsOf(run).findIndex((s) => s.label === before.label && (s.label !== "sample" || s.event === before.event)) : -1;
  view.snapshot = same >= 0 ? same : peakSnapshot();
  if (view.range) {
    const [from, to] = wholeRange();
    view.range = [Math.max(from, view.range[0]), Math.min(to, view.range[1])];
    if (!(view.range[0] < view.range[1])) view.range = null;
  }
  keepSnapshotInView();
  view.tell("run");
}

function setHover(index) {
  if (index === view.hover) return;
  view.hover = index;
  view.tell("hover");
}

function setSnapshot(index) {
  if (index === view.snapshot) return;
  view.snapshot = index;
  view.tell("snapshot");
}

function peakSnapshot() {
  const all = snapshotsOf(view.run);
  const peak = all.findIndex((snapshot) => snapshot.label === "peak");
  return peak >= 0 ? peak : all.length - 1;
}

// Indices of the snapshots in view.
function shownSnapshots() {
  const [low, high] = shownRange();
  return snapshotsOf(view.run).map((_, i) => i).filter((i) => {
    const x = xOfMoment(snapshotsOf(view.run)[i]);
    return x >= low && x <= high;
  });
}

// A zoom moves the chosen moment into view: to the fullest of the snapshots there. Where there is none, the chosen one stays.
function keepSnapshotInView() {
  const shown = shownSnapshots();
  if (shown.length === 0 || shown.includes(view.snapshot)) return;
  const all = snapshotsOf(view.run);
  setSnapshot(shown.reduce((best, i) => (all[i].rss_bytes > all[best].rss_bytes ? i : best)));
}

view.snapshot = peakSnapshot();
