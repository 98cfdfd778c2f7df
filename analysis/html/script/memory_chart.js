// RSS as a stack of its parts over time, live bytes as a line.

// RSS of another policy at the samples of this one: its last value before each.
function besideColumn(run, other) {
  const [events, theirs, rss] = [columnOf(run, "event"), columnOf(other, "event"), columnOf(other, "rss_bytes")];
  let at = -1;
  return Array.from(events, (event) => {
    while (at + 1 < theirs.length && theirs[at + 1] <= event) ++at;
    return at < 0 ? null : rss[at];
  });
}

// The same scale for all policies of a trace, so that switching between them compares.
function commonPeak(run) {
  return Math.max(...report.runs.filter((r) => hasResult(r) && r.trace === run.trace && r.series.count > 0)
    .map((r) => columnOf(r, "rss_bytes").reduce((most, value) => Math.max(most, value), 0)), 0);
}

function memoryChart() {
  const holder = element("div", {
    class: "chart", id: "memory-chart", tabindex: "0", role: "application",
    "aria-label": "Resident memory by part over the run. Left and right arrows move the cursor, plus and minus zoom, Escape shows everything, Enter chooses the nearest snapshot of the heap.",
  });
  let chart = null;
  const state = { beside: null };

  const chartHeight = (width) => Math.round(Math.min(440, Math.max(260, width * 0.36))) + marksOf(view.run).length * laneHeight;

  function draw(width) {
    chart?.destroy();
    chart = null;
    const run = view.run;
    if (run.series.count === 0) {
      fill(holder, element("p", { class: "empty" }, "There are no samples: the run ended before the first, or was replayed with --samples=0."));
      return;
    }
    holder.replaceChildren();
    const stack = stackOf(run, view.hidden).reverse();
    const other = report.runs.find((r) => hasResult(r) && r.trace === run.trace && r.seed === run.seed && r.policy === state.beside && r !== run);
    const top = view.hidden.size === 0 ? commonPeak(run) : 0;
    const series = [
      {},
      // The highest first: the lower ones are painted over it.
      ...stack.map((part) => ({
        label: part.label,
        stroke: () => colour("surface"),
        width: run.series.count > 2000 ? 0 : 0.5,
        fill: () => colour(part.paint),
        points: { show: false },
      })),
      { label: "Live bytes", stroke: () => colour("live-line"), width: 1.75, points: { show: false } },
    ];
    const data = [xOf(run), ...stack.map((part) => part.heights), columnOf(run, "live_bytes")];
    if (other) {
      series.push({ label: other.policy, stroke: () => colour("beside"), width: 1.75, dash: [6, 4], points: { show: false } });
      data.push(besideColumn(run, other));
    }
    chart = new uPlot({
      width,
      height: chartHeight(width),
      padding: [10 + marksOf(run).length * laneHeight, 12, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: false, range: () => shownRange() },
        y: { range: (u, low, high) => fromZero(u, low, view.range ? high : Math.max(high, top)) },
      },
      axes: [xAxis(), bytesAxis()],
      cursor: {
        ...zoomByDrag,
        y: false,
        points: { show: false },
        sync: { key: "run", scales: ["x", null] },
      },
      series,
      hooks: {
        setSelect: [zoomToSelection],
        setCursor: [(u) => setHover(u.cursor.idx ?? null)],
        drawAxes: [(u) => drawMarks(u, run)],
        draw: [drawMoments],
      },
    }, data, holder);
    chart.over.addEventListener("click", chooseSnapshot);
  }

  // The moments of snapshots along the bottom, the chosen one as a line.
  function drawMoments(u) {
    const { ctx, bbox } = u;
    const scale = uPlot.pxRatio;
    const all = snapshotsOf(view.run);
    ctx.save();
    all.forEach((snapshot, i) => {
      const x = u.valToPos(xOfMoment(snapshot), "x", true);
      if (x < bbox.left - 1 || x > bbox.left + bbox.width + 1) return;
      const bottom = bbox.top + bbox.height;
      const chosen = i === view.snapshot;
      ctx.fillStyle = colour("accent");
      if (chosen) ctx.fillRect(x - scale, bbox.top, 2 * scale, bbox.height);
      const size = (chosen ? 6 : 3.5) * scale;
      ctx.beginPath();
      ctx.moveTo(x - size, bottom);
      ctx.lineTo(x + size, bottom);
      ctx.lineTo(x, bottom - size * 1.3);
      ctx.strokeStyle = colour("surface");
      ctx.lineWidth = scale;
      ctx.stroke();
      ctx.fill();
    });
    ctx.restore();
  }

  function chooseSnapshot() {
    const at = view.hover ?? chart?.cursor.idx;
    const shown = shownSnapshots();
    if (at === null || at === undefined || shown.length === 0) return;
    const x = xOf(view.run)[at];
    const away = (i) => Math.abs(xOfMoment(snapshotsOf(view.run)[i]) - x);
    setSnapshot(shown.reduce((best, i) => (away(i) < away(best) ? i : best)));
  }

  function moveTo(index) {
    const [first, past] = shownSamples();
    const at = Math.min(past - 1, Math.max(first, index));
    const x = xOf(view.run)[at];
    // Through the chart, so that the cursor of every chart moves.
    chart.setCursor({ left: chart.valToPos(x, "x"), top: chart.over.clientHeight / 2 });
    setHover(at);
    announce(`${xText(x)}: ${bytes(columnOf(view.run, "rss_bytes")[at])} resident, ${bytes(columnOf(view.run, "live_bytes")[at])} live`);
  }

  holder.addEventListener("keydown", (event) => {
    if (!chart || event.ctrlKey || event.altKey || event.metaKey) return;
    const [first, past] = shownSamples();
    const at = view.hover ?? peakInView();
    const step = Math.max(1, Math.round((past - first) * (event.shiftKey ? 0.1 : 0.01)));
    const x = view.hover === null ? null : xOf(view.run)[at];
    switch (event.key) {
      case "ArrowLeft": moveTo(at - step); break;
      case "ArrowRight": moveTo(at + step); break;
      case "Home": moveTo(first); break;
      case "End": moveTo(past - 1); break;
      case "+": case "=": zoom(0.5, x); break;
      case "-": zoom(2, x); break;
      case "Escape": case "0": resetRange(); break;
      case "Enter": chooseSnapshot(); break;
      default: return;
    }
    event.preventDefault();
  });

  let width = 0;
  onWidth(holder, (now) => draw((width = now)));
  view.on("run axis parts theme", () => width && draw(width));
  view.on("range", () => chart && applyRange(chart));
  view.on("snapshot", () => chart?.redraw(false));
  return {
    holder,
    setBeside(policy) {
      state.beside = policy;
      if (width) draw(width);
    },
  };
}
