// How much is resident for each live byte, over the same time.

function ratioChart() {
  const holder = element("div", { class: "chart", id: "ratio-chart", role: "img" });
  let chart = null;
  let width = 0;

  function draw() {
    chart?.destroy();
    chart = null;
    const run = view.run;
    holder.replaceChildren();
    if (run.series.count === 0) return;
    const [rss, live] = [columnOf(run, "rss_bytes"), columnOf(run, "live_bytes")];
    // A heap that is nearly empty would flatten all the rest.
    const most = live.reduce((high, value) => Math.max(high, value), 0);
    const ratios = Array.from(rss, (value, i) => (live[i] > most / 50 ? value / live[i] : null));
    holder.setAttribute("aria-label", `RSS over live bytes: ${ratio(run.metrics["fragmentation.mean_rss_over_live"])} on average, ${ratio(run.metrics["fragmentation.rss_over_live_at_peak_rss"])} at the peak`);
    chart = new uPlot({
      width,
      height: 120,
      padding: [8, 12, 0, 0],
      legend: { show: false },
      scales: { x: { time: false, range: () => shownRange() }, y: { range: fromZero } },
      axes: [xAxis(), { ...axisLook(), size: 72, space: 26, values: (u, ticks) => ticks.map((y) => `${trimmed(y.toFixed(2))} \u00d7`) }],
      cursor: { ...zoomByDrag, y: false, sync: { key: "run", scales: ["x", null] }, points: { show: false } },
      series: [{}, { stroke: () => colour("ratio-line"), width: 1.75, points: { show: false }, spanGaps: false }],
      hooks: { setSelect: [zoomToSelection], setCursor: [(u) => setHover(u.cursor.idx ?? null)] },
    }, [xOf(run), ratios], holder);
  }
  onWidth(holder, (now) => { width = now; draw(); });
  view.on("run axis theme", () => width && draw());
  view.on("range", () => chart && applyRange(chart));
  return holder;
}
