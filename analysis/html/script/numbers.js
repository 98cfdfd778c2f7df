// Every number of the run, with a filter; and what the run was made with.

const groupTitles = {
  trace: "The trace as recorded", memory: "Memory", parts: "Parts of the peak", fragmentation: "Fragmentation",
  os: "Asked of the system", gc: "Collector", heap: "The heap's own counters at the end",
};

function numbersSection() {
  const holder = element("div", { class: "numbers" });
  const filter = element("input", { type: "search", id: "filter", placeholder: "peak, faults \u2026", oninput: () => show() });
  const show = () => {
    const wanted = filter.value.trim().toLowerCase();
    const groups = new Map();
    for (const [metric, value] of Object.entries(view.run.metrics)) {
      const { meaning, unit } = explanationOf(metric);
      if (wanted && !`${metric} ${meaning}`.toLowerCase().includes(wanted)) continue;
      const [group, name] = metric.split(".");
      if (!groups.has(group)) groups.set(group, []);
      groups.get(group).push(element("tr", {},
        element("th", { scope: "row" }, term(metric, name)),
        element("td", { class: "number", title: isKnown(value) ? count(value) : null, "data-value": metric }, inUnit(value, unit))));
    }
    fill(holder, groups.size === 0 ? element("p", { class: "empty" }, "No number is called so.") : [...groups].map(([group, rows]) =>
      element("div", { class: "group" },
        element("h3", {}, groupTitles[group] ?? group),
        element("table", {}, element("tbody", {}, rows)))));
  };
  view.on("run", show);
  show();
  return section("numbers", "All numbers", "A click on a name tells what it means, how it is computed and where it misleads.",
    element("span", { class: "picker" }, element("label", { for: "filter" }, "Filter"), filter), holder);
}

function settingText(value, unit) {
  if (!/^-?\d+$/.test(value)) return value;
  const number = Number(value);
  // Negative values and 0 are words of their own: never, no limit.
  if (number > 0 && unit === "ns") return nanoseconds(number);
  if (number > 0 && unit === "bytes") return bytes(number);
  return [count(number), unit && unit !== "count" && ` ${unit}`];
}

function settingsSection() {
  const holder = element("div", { class: "settings" });
  const show = () => {
    const run = view.run;
    const first = report.runs.find((r) => hasResult(r) && r.trace === run.trace) ?? run;
    const base = new Map(first.settings.map(([path, value]) => [path, value]));
    const differs = ([path, value]) => base.get(path) !== value;
    const notes = [
      ...run.assumptions,
      run.metrics["trace.free_unknown"] > 0 && `${count(run.metrics["trace.free_unknown"])} frees of unknown pointers were ignored`,
      run.metrics["trace.alloc_of_live_address"] > 0 && `${count(run.metrics["trace.alloc_of_live_address"])} allocations at live addresses dropped the old object`,
    ].filter(Boolean);
    fill(holder,
      element("div", {},
        element("h3", {}, term("assumptions", "Assumed and noticed")),
        notes.length === 0 ? element("p", {}, "Nothing.") : element("ul", { class: "notes" }, notes.map((note) => element("li", {}, note))),
        element("h3", {}, "The run"),
        element("dl", { class: "facts" },
          [["trace", run.trace], ["format", run.format], ["policy", run.policy], ["description", run.description], ["seed", run.seed],
            ["version", run.version], ["state_hash", run.state_hash]].filter(([, value]) => value !== "" && value !== undefined).map(([name, value]) => [
            element("dt", {}, ["seed", "version", "state_hash", "policy"].includes(name) ? term(name, name) : name),
            element("dd", {}, value)]))),
      element("div", { class: "settings-table" }, sortableTable("Settings", [
        { title: "Setting", text: true, value: ([path]) => path, cell: (row) => [element("code", {}, row[0]), differs(row) && element("span", { class: "badge" }, "differs")] },
        { title: "Value", text: true, value: ([, value]) => value, cell: ([, value, unit]) => settingText(value, unit) },
        { title: "What it is", text: true, value: ([, , , meaning]) => meaning },
      ], run.settings)));
  };
  view.on("run", show);
  show();
  return section("settings", "Settings and assumptions",
    report.kind === "compare" ? "Marked are the settings that differ from the first policy's." : "All that decided the result, defaults too.", null, holder);
}
