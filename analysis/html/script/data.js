// The data of the page (report_data.h writes it).
//
// report.runs: a run a cell. A failed one has only trace, policy, seed and status.
// run.series.columns: packed columns by the name of the sample's field.
// run.detail: snapshots of the heap, marks, lifetimes, call sites; absent where none were taken.
// report.names: the texts of call sites' frames and files, which stand there as numbers.

const report = JSON.parse(document.getElementById("data").textContent);

// PackedColumn of packed_column.h: a number that repeats, or differences in base64.
function unpackColumn(column, length) {
  const values = new Float64Array(length);
  if (typeof column === "number") return values.fill(column);
  const text = atob(column);
  let value = 0;
  let group = 0;
  let scale = 1;
  for (let at = 0, out = 0; at < text.length; ++at) {
    const byte = text.charCodeAt(at);
    group += (byte & 0x7f) * scale;
    scale *= 128;
    if (byte & 0x80) continue;
    value += group % 2 === 0 ? group / 2 : -(group + 1) / 2;
    values[out++] = value;
    group = 0;
    scale = 1;
  }
  return values;
}

// Columns of a run's series, unpacked when first asked for.
const unpackedColumns = new WeakMap();
function columnOf(run, name) {
  let columns = unpackedColumns.get(run);
  if (!columns) unpackedColumns.set(run, (columns = {}));
  if (!(name in columns)) {
    const packed = run.series.columns[name];
    columns[name] = packed === undefined ? null : unpackColumn(packed, run.series.count);
  }
  return columns[name];
}

// The first index whose value is at least `value`.
function lowerBound(values, value) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function nearest(values, value) {
  const at = lowerBound(values, value);
  if (at === 0) return 0;
  if (at === values.length) return at - 1;
  return value - values[at - 1] <= values[at] - value ? at - 1 : at;
}

const hasResult = (run) => run.series !== undefined;
const distinct = (values) => [...new Set(values)];
const baseName = (path) => (path === "-" ? "standard input" : path.split("/").pop() || path);

// Names of files that differ only in their folders keep them.
const traceNames = (() => {
  const paths = distinct(report.runs.map((run) => run.trace));
  const short = paths.map(baseName);
  return new Map(paths.map((path, i) => [path, short.filter((s) => s === short[i]).length > 1 ? path : short[i]]));
})();

const snapshotsOf = (run) => run?.detail?.snapshots ?? [];
