// The head of the page: what ran, the answer, the run on show, the most important numbers.

const keyFigures = [
  ["memory.peak_rss_bytes", "Peak RSS"],
  ["trace.peak_live_bytes", "Peak live bytes"],
  ["fragmentation.rss_over_live_at_peak_rss", "RSS / live at the peak"],
  ["fragmentation.mean_rss_over_live", "RSS / live on average"],
  ["memory.mean_rss_bytes", "Mean RSS"],
  ["memory.end_rss_bytes", "RSS at the end"],
  ["os.page_faults", "Page faults"],
  ["os.released_bytes", "Given back"],
  ["os.cost_ns", "Modelled cost"],
  ["gc.cycles", "Collections"],
];

function figure(metric, label, value) {
  return element("div", { class: "figure" },
    element("dt", {}, term(metric, label)),
    element("dd", { "data-value": metric }, inUnit(value, explanationOf(metric).unit)));
}

function banner() {
  return element("div", { class: "banner" },
    element("a", { class: "brand", href: "#top" }, element("span", { class: "brand-mark", "aria-hidden": "true" }), "heapsim"),
    element("nav", { "aria-label": "Sections", id: "nav" }),
    themeButton());
}

// Links to what the page has.
function fillNavigation() {
  const sections = [...document.querySelectorAll("main section")].filter((part) => !part.hidden);
  fill(document.getElementById("nav"), sections.map((part) =>
    element("a", { href: `#${part.id}` }, part.querySelector("h2").textContent)));
}

function hero() {
  const run = view.run;
  const what = report.kind === "compare"
    ? `${count(distinct(report.runs.map((r) => r.policy)).length)} policies over ${count(traceNames.size)} ${traceNames.size === 1 ? "trace" : "traces"}`
    : [traceNames.get(run.trace), run.policy, `seed ${run.seed}`].join(" \u00b7 ");
  return element("div", { class: "hero" },
    element("p", { class: "eyebrow" }, what),
    element("h1", { id: "answer" }, report.answer));
}

// Which run the rest of the page is about, where there are several.
function runPicker() {
  if (report.runs.length < 2) return null;
  const traces = [...traceNames.keys()];
  const policies = distinct(report.runs.map((run) => run.policy));
  const seeds = distinct(report.runs.map((run) => run.seed));
  const find = (changed) => {
    const wanted = { trace: view.run.trace, policy: view.run.policy, seed: view.run.seed, ...changed };
    return report.runs.find((run) => run.trace === wanted.trace && run.policy === wanted.policy && run.seed === wanted.seed);
  };
  const holder = element("div", { class: "run-picker", role: "region", "aria-label": "The run on show" });
  const go = (changed) => {
    const run = find(changed);
    if (run && hasResult(run)) setRun(run);
    show();
  };
  const show = () => {
    const open = (policy) => hasResult(find({ policy }) ?? {});
    const few = policies.length <= 12;
    // The focus stays on the radio button that was just used.
    const focused = holder.contains(document.activeElement) ? document.activeElement.value : null;
    fill(holder,
      traces.length > 1 && picker("trace", "Trace", traces.map((t) => [t, traceNames.get(t)]), view.run.trace, (trace) => {
        const same = find({ trace });
        setRun(same && hasResult(same) ? same : report.runs.find((r) => r.trace === trace && hasResult(r)) ?? view.run);
        show();
      }),
      few
        ? element("span", { class: "picker" }, element("span", { "aria-hidden": "true" }, "Policy"),
          choice("policy", "Policy", policies.map((p) => [p, p]), view.run.policy, (policy) => go({ policy })))
        : picker("policy", "Policy", policies.map((p) => [p, p]), view.run.policy, (policy) => go({ policy })),
      seeds.length > 1 && picker("seed", "Seed", seeds.map((s) => [s, s]), view.run.seed, (seed) => go({ seed: seeds.find((s) => String(s) === seed) })));
    for (const input of holder.querySelectorAll("input")) {
      input.disabled = !open(input.value);
      if (focused === input.value) input.focus();
    }
  };
  show();
  view.on("run", show);
  return holder;
}

// The run's own answer, its numbers, and what a reader has to know before trusting them.
function runSection() {
  const holder = element("section", { id: "run", class: "run", "aria-labelledby": "run-title" });
  const show = () => {
    const run = view.run;
    const figures = keyFigures.filter(([metric]) => isKnown(run.metrics[metric]) && !(metric === "gc.cycles" && run.metrics[metric] === 0));
    fill(holder,
      element("h2", { id: "run-title", class: report.kind === "replay" ? "hidden" : "run-title" },
        report.kind === "replay" ? "Key figures" : `${traceNames.get(run.trace)}, ${run.policy}`),
      report.kind === "compare" && element("p", { class: "run-answer" }, run.answer),
      !run.complete && element("p", { class: "warning", role: "note" },
        run.stopped ? `This run ended early: ${run.stopped}. All numbers are those up to there.`
          : "Part of the recording is missing. All numbers are those of what there is."),
      element("dl", { class: "figures" }, figures.map(([metric, label]) => figure(metric, label, run.metrics[metric]))));
  };
  view.on("run", show);
  show();
  return holder;
}

function failedRuns() {
  const failed = report.runs.filter((run) => run.status !== "ok");
  if (failed.length === 0) return null;
  return element("details", { class: "card warning", open: failed.length < 4 },
    element("summary", {}, `${count(failed.length)} of ${count(report.runs.length)} cells failed`),
    element("ul", {}, failed.map((run) => element("li", {}, `${traceNames.get(run.trace)}, ${run.policy}, seed ${run.seed}: ${run.status}`))));
}
