// Policies beside each other: bars, memory against cost, a small chart a trace, all ratios.

const policyPaints = ["policy-0", "policy-1", "policy-2", "policy-3", "policy-4", "policy-5", "policy-6", "policy-7"];
const dashes = [[], [7, 3], [2, 3]];
const policyNames = distinct(report.runs.map((run) => run.policy));
// Where there are more policies than colours, colours come again with another dash and another dot.
const policyLook = (policy) => {
  const at = policyNames.indexOf(policy);
  const round = Math.floor(at / policyPaints.length);
  return { paint: policyPaints[at % policyPaints.length], dash: dashes[round % dashes.length], dot: dots[round % dots.length] };
};

// The line as a background for its key.
const dashed = ({ paint, dash: [on, off] }) => on === undefined
  ? `var(--${paint})`
  : `repeating-linear-gradient(90deg, var(--${paint}) 0 ${on}px, transparent ${on}px ${on + off}px)`;

// Outlines of dots of radius r.
const dots = [
  (ctx, x, y, r) => ctx.arc(x, y, r, 0, 2 * Math.PI),
  (ctx, x, y, r) => ctx.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8),
  (ctx, x, y, r) => outline(ctx, [[x, y - r * 1.25], [x + r * 1.25, y], [x, y + r * 1.25], [x - r * 1.25, y]]),
  (ctx, x, y, r) => outline(ctx, [[x, y - r * 1.2], [x + r * 1.2, y + r], [x - r * 1.2, y + r]]),
];

function outline(ctx, corners) {
  ctx.moveTo(...corners[0]);
  for (const corner of corners.slice(1)) ctx.lineTo(...corner);
  ctx.closePath();
}

const policyBadge = (row) =>
  (row.front || row.bound) && element("span", { class: "badge" }, row.front ? "front" : "lower bound");

function comparisonBars() {
  const holder = element("div", {});
  const show = (field) => {
    const rows = report.summary.map((row) => {
      const value = row[field];
      return {
        label: [row.policy, policyBadge(row)],
        segments: value ? [[policyLook(row.policy).paint, value.value]] : [],
        low: value && row.traces > 1 ? value.low : null,
        high: value && row.traces > 1 ? value.high : null,
        text: value ? [element("strong", {}, ratio(value.value)), ` ${change(value.value)}`] : unknown,
      };
    });
    fill(holder, barRows("Ratios to the first policy", rows, { reference: 1 }));
  };
  const [, , first] = report.criteria[0];
  show(first);
  return section("policies", "Policies compared",
    [`Geometric means over the traces, relative to ${report.summary[0]?.policy ?? "the first policy"} = 1. Less is better. `,
      report.summary.some((row) => row.traces > 1) && "The line on a bar is the 95 % interval over the traces."],
    choice("criterion", "Compared by", report.criteria.map(([, heading, field]) => [field, heading]), first, show),
    holder,
    ratioTable());
}

function ratioTable() {
  const column = ([metric, heading, field]) => ({
    title: heading, metric, value: (row) => row[field]?.value ?? null,
    cell: (row) => (row[field]
      ? [element("strong", {}, ratio(row[field].value)), row.traces > 1 && element("span", { class: "range" }, ` ${ratio(row[field].low)}\u2013${ratio(row[field].high)}`)]
      : unknown),
  });
  return sortableTable("Ratios to the first policy", [
    { title: "Policy", text: true, value: (row) => row.policy, cell: (row) => [element("span", { class: "swatch", style: { background: `var(--${policyLook(row.policy).paint})` } }), row.policy] },
    { title: "Traces", value: (row) => row.traces },
    ...report.criteria.map(column),
    { title: "Worst peak", value: (row) => row.worst_peak_rss_ratio, cell: (row) => [ratio(row.worst_peak_rss_ratio), row.worst_trace && element("span", { class: "range" }, ` ${traceNames.get(row.worst_trace)}`)] },
    { title: "Front", value: (row) => Number(row.front), cell: (row) => (row.front ? "yes" : "") },
    { title: "Failed", value: (row) => row.failed_cells },
  ], report.summary);
}

// Memory against cost. What is further down and further left is better; the line joins those that
// nobody beats in both.
function paretoSection() {
  const points = report.summary.filter((row) => row.peak_rss_ratio && row.total_cost_ratio);
  if (points.length === 0) return null;
  const holder = element("div", { class: "chart", id: "pareto", role: "img",
    "aria-label": `Peak RSS against cost of ${points.length} policies; on the front: ${points.filter((p) => p.front).map((p) => p.policy).join(", ")}` });
  const readout = element("p", { class: "readout" });
  const describe = (row) => fill(readout, row
    ? [element("strong", {}, row.policy), `: peak RSS ${ratio(row.peak_rss_ratio.value)}, total cost ${ratio(row.total_cost_ratio.value)}${row.front ? ", on the front" : row.bound ? ", a bound and no allocator" : ""}`]
    : "The line joins the policies that no other allocator beats in both memory and cost.");
  describe(null);
  const padded = (u, low, high) => {
    const room = Math.max((high - low) * 0.14, 0.02);
    return [Math.max(0, low - room), high + room];
  };
  let width = 0;
  let chart = null;
  const draw = () => {
    chart?.destroy();
    const x = points.map((row) => row.total_cost_ratio.value);
    const y = points.map((row) => row.peak_rss_ratio.value);
    chart = new uPlot({
      mode: 2,
      width,
      height: Math.round(Math.min(400, Math.max(280, width * 0.5))),
      padding: [12, 16, 0, 0],
      legend: { show: false },
      scales: { x: { time: false, range: (u, low, high) => padded(u, Math.min(...x), Math.max(...x)) }, y: { range: (u, low, high) => padded(u, Math.min(...y), Math.max(...y)) } },
      axes: [
        { ...axisLook(), label: "total cost, ratio", labelSize: 22, labelFont: `12px ${colour("font")}`, size: 28, values: (u, ticks) => ticks.map((t) => trimmed(t.toFixed(3))) },
        { ...axisLook(), label: "peak RSS, ratio", labelSize: 22, labelFont: `12px ${colour("font")}`, size: 52, values: (u, ticks) => ticks.map((t) => trimmed(t.toFixed(3))) },
      ],
      cursor: { drag: { x: false, y: false }, x: false, y: false, points: { show: false } },
      series: [{}, { paths: () => null, facets: [{ scale: "x", auto: true }, { scale: "y", auto: true }] }],
      hooks: {
        draw: [(u) => drawPoints(u, points)],
        setCursor: [(u) => describe(closest(u))],
      },
    }, [null, [x, y]], holder);
  };
  const closest = (u) => {
    const { left, top } = u.cursor;
    if (left < 0) return null;
    const away = (row) => Math.hypot(u.valToPos(row.total_cost_ratio.value, "x") - left, u.valToPos(row.peak_rss_ratio.value, "y") - top);
    const best = points.reduce((a, b) => (away(b) < away(a) ? b : a));
    return away(best) < 40 ? best : null;
  };
  onWidth(holder, (now) => { width = now; draw(); });
  view.on("theme", () => width && draw());
  return section("pareto-section", "Memory against cost", "Further down: less memory. Further left: less cost.", null, holder, readout);
}

function drawPoints(u, points) {
  const { ctx } = u;
  const scale = uPlot.pxRatio;
  const place = (row) => [u.valToPos(row.total_cost_ratio.value, "x", true), u.valToPos(row.peak_rss_ratio.value, "y", true)];
  ctx.save();
  // From cheap to small, in steps: between two policies nothing is known.
  const front = points.filter((row) => row.front).sort((a, b) => a.total_cost_ratio.value - b.total_cost_ratio.value);
  ctx.strokeStyle = colour("accent");
  ctx.lineWidth = 1.5 * scale;
  ctx.setLineDash([5 * scale, 4 * scale]);
  ctx.beginPath();
  front.forEach((row, i) => {
    const [x, y] = place(row);
    if (i === 0) ctx.moveTo(x, y);
    else {
      ctx.lineTo(x, place(front[i - 1])[1]);
      ctx.lineTo(x, y);
    }
  });
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.font = `${12 * scale}px ${colour("font")}`;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  // All dots before the first label, so that none is painted over, and what is on the front last.
  const inOrder = [...points].sort((a, b) => Number(a.front) - Number(b.front));
  const taken = [];
  for (const row of inOrder) {
    const [x, y] = place(row);
    const { paint, dot } = policyLook(row.policy);
    const radius = (row.front ? 6.5 : 5) * scale;
    ctx.beginPath();
    dot(ctx, x, y, radius);
    ctx.fillStyle = colour(row.bound ? "surface" : paint);
    ctx.fill();
    ctx.lineWidth = 2 * scale;
    ctx.strokeStyle = row.bound ? colour(paint) : colour(row.front ? "text" : "surface");
    ctx.stroke();
    taken.push([x - radius, y - radius, x + radius, y + radius]);
  }
  // Names of the front first: they are what is looked for.
  for (const row of inOrder.reverse()) drawLabel(u, row.policy, ...place(row), taken);
  ctx.restore();
}

// Beside the point where there is room, else further off at the end of a line; left out where there is none.
function drawLabel(u, text, x, y, taken) {
  const { ctx, bbox } = u;
  const scale = uPlot.pxRatio;
  const width = ctx.measureText(text).width;
  const near = [[x + 11 * scale, y], [x - 11 * scale - width, y], [x - width / 2, y - 15 * scale], [x - width / 2, y + 15 * scale]];
  const far = [24, 40, 56].flatMap((away) => [[x + away * scale, y + away * scale], [x + away * scale, y - away * scale],
    [x - away * scale - width, y + away * scale], [x - away * scale - width, y - away * scale]]);
  for (const [left, middle] of [...near, ...far]) {
    const box = [left, middle - 7 * scale, left + width, middle + 7 * scale];
    const inside = box[0] > bbox.left && box[2] < bbox.left + bbox.width + 10 * scale && box[1] > bbox.top && box[3] < bbox.top + bbox.height;
    const meets = (a) => taken.some((b) => a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1]);
    if (!inside || meets(box)) continue;
    if (!near.some(([nearLeft, nearMiddle]) => nearLeft === left && nearMiddle === middle)) {
      const edge = left > x ? left - 3 * scale : left + width + 3 * scale;
      // Neither over a label, nor under a later one: outside of the dots the line takes room too.
      const along = Array.from({ length: 12 }, (_, i) => [x + ((edge - x) * (i + 4)) / 16, y + ((middle - y) * (i + 4)) / 16]);
      const room = along.map(([px, py]) => [px - scale, py - scale, px + scale, py + scale]);
      if (room.some(meets)) continue;
      taken.push(...room);
      ctx.beginPath();
      ctx.moveTo(x + Math.sign(edge - x) * 6 * scale, y + Math.sign(middle - y) * 6 * scale);
      ctx.lineTo(edge, middle);
      ctx.strokeStyle = colour("text-soft");
      ctx.lineWidth = scale;
      ctx.stroke();
    }
    taken.push(box);
    ctx.fillStyle = colour("text");
    ctx.fillText(text, left, middle);
    return;
  }
}

// RSS of every policy over one trace.
function multiplesSection() {
  const shown = new Set(policyNames.slice(0, 8));
  const grid = element("div", { class: "multiples" });
  const charts = [];
  const show = () => charts.forEach((draw) => draw());
  const names = element("ul", { class: "key toggles" }, policyNames.map((policy) =>
    element("li", {}, element("label", {},
      element("input", { type: "checkbox", checked: shown.has(policy), onchange: (event) => {
        if (event.target.checked) shown.add(policy);
        else shown.delete(policy);
        show();
      } }),
      element("span", { class: "swatch line", style: { background: dashed(policyLook(policy)) } }), policy))));
  for (const [trace, name] of traceNames) {
    const runs = report.runs.filter((run) => run.trace === trace && hasResult(run) && run.series.count > 0);
    if (runs.length === 0) continue;
    const firsts = policyNames.map((policy) => runs.find((run) => run.policy === policy)).filter(Boolean);
    const holder = element("div", { class: "chart", role: "img", "aria-label": `RSS over ${name}: ${firsts.map((run) => `${run.policy} up to ${bytes(run.metrics["memory.peak_rss_bytes"])}`).join(", ")}` });
    grid.append(element("div", { class: "multiple" },
      element("h3", {}, element("button", { type: "button", class: "term", title: "Show this trace below", onclick: () => {
        setRun(firsts.find((run) => run.policy === view.run.policy) ?? firsts[0]);
        document.getElementById("run").scrollIntoView();
      } }, name)),
      holder));
    charts.push(multipleChart(holder, firsts, shown));
  }
  view.on("theme axis", show);
  return section("traces", "Trace by trace", "RSS of every policy over the same events; a click on a name shows that trace below.", null, names, grid);
}

function multipleChart(holder, runs, shown) {
  let width = 0;
  let chart = null;
  // All on the samples of the longest; each keeps its last value in between.
  const base = runs.reduce((a, b) => (b.series.count > a.series.count ? b : a));
  const draw = () => {
    chart?.destroy();
    chart = null;
    const lines = runs.filter((run) => shown.has(run.policy));
    holder.replaceChildren();
    if (!width) return;
    chart = new uPlot({
      width,
      height: 170,
      padding: [8, 10, 0, 0],
      legend: { show: false },
      scales: { x: { time: false }, y: { range: fromZero } },
      axes: [{ ...xAxis() }, { ...bytesAxis(66), space: 28 }],
      cursor: { drag: { x: true, y: false }, y: false },
      series: [{}, { stroke: () => colour("text-soft"), width: 1, dash: [2, 3], points: { show: false } },
        ...lines.map((run) => {
          const { paint, dash } = policyLook(run.policy);
          return { label: run.policy, stroke: () => colour(paint), width: 1.6, dash, points: { show: false } };
        })],
    }, [xOf(base), columnOf(base, "live_bytes"), ...lines.map((run) => (run === base ? columnOf(run, "rss_bytes") : besideColumn(base, run)))], holder);
  };
  onWidth(holder, (now) => { width = now; draw(); });
  return draw;
}

function comparisonSections() {
  return [comparisonBars(), element("div", { class: "pair" }, paretoSection(), null), multiplesSection()];
}
