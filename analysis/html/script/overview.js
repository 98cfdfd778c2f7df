// The whole run in small: what is in view stands out, and a drag chooses it.

function overview() {
  const holder = element("div", { class: "chart overview", id: "overview", role: "img", "aria-label": "The whole run; the part in view is marked" });
  let chart = null;
  let width = 0;

  function mark() {
    if (!chart) return;
    const [low, high] = shownRange();
    const left = chart.valToPos(low, "x");
    chart.setSelect(view.range
      ? { left, top: 0, width: Math.max(2, chart.valToPos(high, "x") - left), height: chart.over.clientHeight }
      : { left: 0, top: 0, width: 0, height: 0 }, false);
  }

  function draw() {
    chart?.destroy();
    chart = null;
    holder.replaceChildren();
    if (view.run.series.count === 0) return;
    chart = new uPlot({
      width,
      height: 44,
      padding: [4, 12, 0, 72],
      legend: { show: false },
      scales: { x: { time: false, range: () => wholeRange() }, y: { range: fromZero } },
      axes: [{ show: false }, { show: false }],
      cursor: { ...zoomByDrag, x: false, y: false, points: { show: false } },
      series: [
        {},
        { fill: () => colour("overview"), stroke: () => colour("overview"), width: 0, points: { show: false } },
        { fill: () => colour("overview-live"), stroke: () => colour("overview-live"), width: 0, points: { show: false } },
      ],
      hooks: { setSelect: [(u) => u.select.width > 0 && setRange(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"))] },
    }, [xOf(view.run), columnOf(view.run, "rss_bytes"), columnOf(view.run, "live_bytes")], holder);
    mark();
  }
  onWidth(holder, (now) => { width = now; draw(); });
  view.on("run axis theme", () => width && draw());
  view.on("range", mark);
  return holder;
}
