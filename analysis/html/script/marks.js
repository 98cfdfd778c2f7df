// What happened when: collections, releases, the end of memory. A lane for each kind above the chart.

const markKinds = [
  ["Collection", "mark-gc"],
  ["Sweep", "mark-sweep"],
  ["Scavenge", "mark-scavenge"],
  ["Release", "mark-release"],
  ["Out of memory", "mark-oom"],
  ["Recorded collection", "mark-recorded"],
  ["Recorded release", "mark-recorded"],
  ["Recorded phase", "mark-recorded"],
].map(([label, paint]) => ({ label, paint }));

// What a mark's value counts.
function markText(kind, value) {
  switch (kind) {
    case 0: return `${bytes(value)} in the heap`;
    case 1: return `${count(value)} spans`;
    case 2: case 3: return `${bytes(value)} given back`;
    case 4: return `at ${bytes(value)}`;
    case 7: return `number ${count(value)}`;
    default: return "";
  }
}

const unpackedMarks = new WeakMap();
// By kind, in order of time: [{ kind, event, time_ns, value, duration_ns (columns) }].
function marksOf(run) {
  if (unpackedMarks.has(run)) return unpackedMarks.get(run);
  const packed = run.detail?.marks ?? { count: 0 };
  const read = (name) => unpackColumn(packed[name] ?? 0, packed.count);
  const [kinds, event, time_ns, duration_ns, value] = ["kind", "event", "time_ns", "duration_ns", "value"].map(read);
  const lanes = distinct([...kinds]).sort((a, b) => a - b).map((kind) => {
    const at = [...kinds.keys()].filter((i) => kinds[i] === kind);
    const take = (column) => Float64Array.from(at, (i) => column[i]);
    return { kind, event: take(event), time_ns: take(time_ns), duration_ns: take(duration_ns), value: take(value) };
  });
  unpackedMarks.set(run, lanes);
  return lanes;
}

function markXs(lane) {
  const axis = `x_${view.axis}`;
  lane[axis] ??= view.axis === "event" ? lane.event : lane.time_ns.map((ns) => ns / 1e9);
  return lane[axis];
}

const laneHeight = 14;

// Draws the lanes above the plot; at most one mark a pixel, so any number of them is quick.
function drawMarks(u, run) {
  const { ctx } = u;
  const { left, top, width } = u.bbox;
  const scale = uPlot.pxRatio;
  const lanes = marksOf(run);
  ctx.save();
  ctx.font = `${10.5 * scale}px ${colour("font")}`;
  ctx.textBaseline = "middle";
  ctx.textAlign = "right";
  lanes.forEach((lane, i) => {
    const y = top - (lanes.length - i) * laneHeight * scale;
    const height = (laneHeight - 4) * scale;
    const { label, paint } = markKinds[lane.kind];
    ctx.fillStyle = colour("text-soft");
    ctx.fillText(label.replace("Recorded", "Rec."), left - 6 * scale, y + height / 2, left - 8 * scale);
    ctx.fillStyle = colour("lane");
    ctx.fillRect(left, y, width, height);
    ctx.fillStyle = colour(paint);
    const x = markXs(lane);
    let last = -Infinity;
    for (let at = lowerBound(x, u.scales.x.min); at < x.length && x[at] <= u.scales.x.max; ++at) {
      const pixel = Math.round(u.valToPos(x[at], "x", true));
      if (pixel === last) continue;
      last = pixel;
      const wide = (lane.kind === 4 ? 3 : 2) * scale;
      ctx.fillRect(pixel - wide / 2, y, wide, height);
      if (lane.kind === 4) ctx.fillRect(pixel - scale / 2, top, scale, u.bbox.height);
    }
  });
  ctx.restore();
}

// Marks that stand within a few pixels of a place on the chart, as text.
function marksNear(run, x, reach) {
  return marksOf(run).flatMap((lane) => {
    const xs = markXs(lane);
    if (xs.length === 0) return [];
    const at = nearest(xs, x);
    if (Math.abs(xs[at] - x) > reach) return [];
    return `${markKinds[lane.kind].label} ${markText(lane.kind, lane.value[at])}`.trim();
  });
}

// All marks in view as a table.
function marksTable(run) {
  const [low, high] = shownRange();
  const rows = marksOf(run).flatMap((lane) => {
    const x = markXs(lane);
    const first = lowerBound(x, low);
    let past = first;
    while (past < x.length && x[past] <= high) ++past;
    return Array.from({ length: past - first }, (_, i) => {
      const at = first + i;
      return { kind: lane.kind, event: lane.event[at], time: lane.time_ns[at], duration: lane.duration_ns[at], value: lane.value[at] };
    });
  });
  rows.sort((a, b) => a.time - b.time || a.event - b.event);
  return { rows, table: () => sortableTable("What happened", [
    { title: "What", text: true, value: (row) => markKinds[row.kind].label },
    { title: "After event", value: (row) => row.event, cell: (row) => count(row.event) },
    { title: "Time", value: (row) => row.time, cell: (row) => nanoseconds(row.time) },
    { title: "Lasted", value: (row) => row.duration, cell: (row) => (row.duration ? nanoseconds(row.duration) : "") },
    { title: "Value", text: true, value: (row) => row.value, cell: (row) => markText(row.kind, row.value) },
  ], rows, { limit: 12 }) };
}
