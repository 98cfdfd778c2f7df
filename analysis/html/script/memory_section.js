// Memory over time: the chart, its legend, what happened, the way around in it.

function memorySection() {
  const chart = memoryChart();
  const inView = element("p", { class: "in-view" });
  const reset = element("button", { type: "button", id: "zoom-reset", onclick: resetRange }, "Show all");
  const button = (id, label, text, factor) =>
    element("button", { type: "button", id, "aria-label": label, onclick: () => zoom(factor, view.hover === null ? null : xOf(view.run)[view.hover]) }, text);

  const beside = element("span", { class: "beside" });
  const events = element("details", { class: "marks" });

  function describe() {
    const run = view.run;
    reset.disabled = view.range === null;
    const [first, past] = shownSamples();
    if (first === past) {
      fill(inView, "");
      return;
    }
    const rss = columnOf(run, "rss_bytes").subarray(first, past);
    const low = rss.reduce((least, value) => Math.min(least, value), Infinity);
    const high = rss.reduce((most, value) => Math.max(most, value), 0);
    const x = xOf(run);
    const thinned = run.series.of > run.series.count ? ` of ${count(run.series.of)}` : "";
    fill(inView,
      view.range === null ? "The whole run: " : element("strong", {}, "In view: "),
      `${xText(x[first])} to ${xText(x[past - 1])}, ${count(past - first)} samples${thinned}, RSS from ${bytes(low)} to ${bytes(high)}`);
  }
  function describeMarks() {
    const { rows, table } = marksTable(view.run);
    events.hidden = marksOf(view.run).length === 0;
    const dropped = Number(view.run.detail?.dropped_marks ?? 0);
    fill(events, element("summary", {}, `What happened in view: ${count(rows.length)} marks`,
      dropped > 0 && `, ${count(dropped)} more were too many to keep`));
    // Made when it is looked at.
    if (events.open) events.append(table());
  }
  function offerBeside() {
    const others = report.runs.filter((r) => hasResult(r) && r.trace === view.run.trace && r.seed === view.run.seed && r !== view.run);
    fill(beside, others.length > 0 && picker("beside", "RSS beside it", [["", "none"], ...others.map((r) => [r.policy, r.policy])], "", (policy) => chart.setBeside(policy)));
    chart.setBeside(null);
  }
  events.addEventListener("toggle", describeMarks);
  view.on("run axis range", () => { describe(); describeMarks(); });
  view.on("run", offerBeside);
  describe();
  describeMarks();
  offerBeside();

  return section("memory", "Memory over time",
    "What was resident at every moment, by what it was there for. Drag over a chart to zoom into it.",
    [
      choice("axis", "Horizontal axis", [["event", "Events"], ["time", "Time"]], view.axis, setAxis),
      element("span", { class: "buttons", role: "group", "aria-label": "Zoom" },
        button("zoom-in", "Zoom in", "+", 0.5), button("zoom-out", "Zoom out", "\u2212", 2), reset),
      beside,
    ],
    element("div", { class: "memory-grid" },
      element("div", { class: "charts" },
        overview(),
        chart.holder,
        element("h3", {}, term("fragmentation.mean_rss_over_live", "RSS over live bytes")),
        ratioChart()),
      partsTable()),
    inView, events);
}
