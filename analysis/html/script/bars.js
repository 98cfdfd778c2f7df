// Bars in rows: a label, a bar of one or several stacked segments, a text. A row: { label, segments:
// [[colour name, value]], text, low, high }; low and high are the ends of an interval.

function barRows(title, rows, { most = null, reference = null } = {}) {
  const total = (row) => row.segments.reduce((sum, [, value]) => sum + value, 0);
  const longest = most ?? Math.max(...rows.map((row) => Math.max(total(row), row.high ?? 0)), reference ?? 0, 0);
  const share = (value) => `${longest > 0 ? Math.min(100, (100 * value) / longest).toFixed(3) : 0}%`;
  return element("ul", { class: "bars", "aria-label": title }, rows.map((row) =>
    element("li", { class: row.class },
      element("span", { class: "bar-label" }, row.label),
      element("span", { class: "bar", "aria-hidden": "true" },
        row.segments.map(([name, value]) =>
          value > 0 && element("span", { class: "segment", style: { width: share(value), background: `var(--${name})` } })),
        isKnown(row.low) && isKnown(row.high) && element("span", {
          class: "interval", style: { left: share(row.low), width: `calc(${share(row.high)} - ${share(row.low)})` },
        }),
        reference !== null && element("span", { class: "reference", style: { left: share(reference) } })),
      element("span", { class: "bar-text" }, row.text))));
}

// What the colours of bars or of a map stand for.
function key(entries) {
  return element("ul", { class: "key" }, entries.map(([name, text]) =>
    element("li", {}, element("span", { class: "swatch", style: { background: `var(--${name})` } }), text)));
}

// A bar small enough for a table's cell.
function miniBar(segments, whole) {
  return element("span", { class: "mini", "aria-hidden": "true" }, segments.map(([name, value]) =>
    value > 0 && whole > 0 &&
    element("span", { style: { width: `${(100 * value) / whole}%`, background: `var(--${name})` } })));
}

// Values as a row of columns, for a cell.
function miniColumns(values, name) {
  const most = Math.max(...values, 1);
  return element("span", { class: "mini-columns", "aria-hidden": "true" }, values.map((value) =>
    element("span", { style: { height: value > 0 ? `${Math.max(8, (100 * value) / most)}%` : "0", background: `var(--${name})` } })));
}
