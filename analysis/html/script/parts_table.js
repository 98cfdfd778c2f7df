// What RSS consists of at the moment under the cursor, else at the peak of what is in view. It is the
// chart's legend too: a part can be taken out of the stack.

function partsTable() {
  const holder = element("div", { class: "parts" });
  const when = element("p", { class: "when" });
  const near = element("p", { class: "near" });
  const table = element("table", {});
  append(holder, [when, table, near]);
  let cells = [];

  // The rows stay while the run does, so that a moving cursor only changes texts.
  function build() {
    const run = view.run;
    cells = [];
    const row = (paint, name, metric, checkbox, line) => {
      const value = element("td", { class: "number" });
      const share = element("td", { class: "number share" });
      cells.push({ name, value, share });
      return element("tr", {},
        element("th", { scope: "row" }, element("span", { class: "part-name" },
          checkbox,
          element("span", { class: line ? "swatch line" : "swatch", style: { background: `var(--${paint})` } }),
          term(metric[0], metric[1]))),
        value, share);
    };
    const box = (part) => element("input", {
      type: "checkbox", checked: !view.hidden.has(part.name), "aria-label": `Show ${part.label} in the chart`,
      onchange: (event) => {
        if (event.target.checked) view.hidden.delete(part.name);
        else view.hidden.add(part.name);
        view.tell("parts");
      },
    });
    const used = partsOf(run);
    fill(table,
      element("caption", { class: "hidden" }, "What resident memory consists of"),
      element("tbody", {},
        used.length > 1 && [...used].reverse().map((part) =>
          row(part.paint, part.name, [`parts.${part.name}`, part.label], box(part)))),
      element("tfoot", {},
        row("surface", "rss_bytes", ["series.rss_bytes", "Resident (RSS)"]),
        row("live-line", "live_bytes", ["series.live_bytes", "Live bytes"], null, true)));
    show();
  }

  function show() {
    const run = view.run;
    const at = view.hover ?? peakInView();
    if (at < 0) {
      fill(when, "No samples");
      return;
    }
    const x = xOf(run)[at];
    fill(when, element("strong", {}, view.hover === null ? "At the peak in view" : "At the cursor"), " ",
      element("span", {}, `event ${count(columnOf(run, "event")[at])}, ${nanoseconds(columnOf(run, "time_ns")[at])}`));
    const rss = columnOf(run, "rss_bytes")[at];
    for (const { name, value, share } of cells) {
      const now = columnOf(run, name)[at];
      value.textContent = bytes(now);
      share.textContent = name === "rss_bytes" ? "" : percent(now, rss);
    }
    const [low, high] = shownRange();
    fill(near, view.hover === null ? [] : marksNear(run, x, (high - low) / 200).join("; "));
  }
  view.on("run", build);
  view.on("axis range hover", show);
  build();
  return holder;
}
