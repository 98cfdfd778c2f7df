// Where the cells of a heap map stand: rows of a power of two of cells, so that huge pages are whole
// rows, or parts of a row that are all alike.

const hugePageBytes = 2 * 1024 * 1024;

function mapLayout(map, cells, width, mostHeight) {
  const perHuge = hugePageBytes / map.cell_bytes;
  // The first row starts at a huge page's border even where the heap does not.
  const lead = perHuge > 1 ? Math.round((map.begin_address % hugePageBytes) / map.cell_bytes) : 0;
  const labels = width > 640 ? 104 : 0;
  let best = null;
  for (let columns = 8; columns <= 1024; columns *= 2) {
    const size = Math.min(22, Math.floor((width - labels) / columns));
    if (size < 2) break;
    const rows = Math.max(1, Math.ceil((lead + cells) / columns));
    best = { columns, size, rows, lead, labels, perHuge, width: labels + columns * size, height: rows * size };
    if (best.height <= mostHeight) break;
  }
  return best;
}

// The cell at a place on the canvas; -1 where there is none.
function cellAt(layout, cells, x, y) {
  const column = Math.floor((x - layout.labels) / layout.size);
  const row = Math.floor(y / layout.size);
  if (column < 0 || column >= layout.columns || row < 0) return -1;
  const cell = row * layout.columns + column - layout.lead;
  return cell >= 0 && cell < cells ? cell : -1;
}

function placeOf(layout, cell) {
  const at = cell + layout.lead;
  return [layout.labels + (at % layout.columns) * layout.size, Math.floor(at / layout.columns) * layout.size];
}
