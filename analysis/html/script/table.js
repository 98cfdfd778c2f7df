// Tables that sort by a click on a heading.
//
// A column: { title, metric, value(row), cell(row), text }. `value` is what is sorted by, `cell` what
// stands there (default: the value); `text` columns are left-aligned and sort upwards first.

function sortableTable(caption, columns, rows, { sortBy = null, descending = true, limit = 0, rowClass = null } = {}) {
  let by = sortBy;
  let down = descending;
  let all = limit === 0 || rows.length <= limit + 3;
  const table = element("table", { class: "sortable" });
  const holder = element("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": caption }, table);

  const compare = (a, b) => {
    const [x, y] = [by.value(a), by.value(b)];
    // What is unknown stands last, whatever the order.
    if (!by.text && (!isKnown(x) || !isKnown(y))) return isKnown(y) - isKnown(x);
    const order = by.text ? String(x).localeCompare(String(y)) : x - y;
    return down ? -order : order;
  };
  const show = () => {
    const sorted = by ? [...rows].sort(compare) : rows;
    const shown = all ? sorted : sorted.slice(0, limit);
    fill(table,
      element("caption", { class: "hidden" }, caption),
      element("thead", {}, element("tr", {}, columns.map((column) => heading(column)))),
      element("tbody", {}, shown.map((row) =>
        element("tr", { class: rowClass?.(row) }, columns.map((column, i) =>
          element(i === 0 ? "th" : "td", { scope: i === 0 ? "row" : null, class: column.text ? "text" : "number" },
            (column.cell ?? column.value)(row)))))),
      !all && element("tfoot", {}, element("tr", {}, element("td", { colspan: columns.length },
        element("button", { type: "button", class: "quiet", onclick: () => { all = true; show(); } },
          `Show all ${count(rows.length)}`)))));
  };
  const heading = (column) => {
    const sorted = column === by;
    const arrow = sorted ? (down ? "\u25be" : "\u25b4") : "\u2195";
    return element("th", {
      scope: "col", class: column.text ? "text" : "number",
      "aria-sort": sorted ? (down ? "descending" : "ascending") : null,
    },
    element("span", { class: "column" },
      column.metric ? term(column.metric, column.title) : column.title,
      column.value && element("button", {
        type: "button", class: "sort", "aria-label": `Sort by ${column.title}`,
        onclick: (event) => {
          down = sorted ? !down : !column.text;
          by = column;
          show();
          // The heading was made anew: the focus stays where it was.
          table.querySelectorAll("thead th")[columns.indexOf(column)].querySelector(".sort").focus();
          event.preventDefault();
        },
      }, arrow)));
  };
  show();
  return holder;
}
