// The heap's address space, a cell a page (or several pages, in a large heap).

function heapMap() {
  const canvas = element("canvas", {
    tabindex: "0", role: "application", id: "heap-map",
    "aria-label": "Map of the heap by address. Arrow keys move over the cells.",
  });
  const readout = element("p", { class: "readout", id: "map-readout", "aria-live": "polite" });
  const keyHolder = element("div", {});
  const holder = element("div", { class: "map-holder" }, canvas);
  let colouring = "occupancy";
  let width = 0;
  let chosen = -1;
  // The map without the cell that is pointed at: drawn once.
  let drawn = null;

  function draw() {
    const snapshot = shownSnapshot();
    drawn = null;
    if (!snapshot?.map || !width) {
      canvas.hidden = true;
      fill(readout, snapshot && !snapshot.map ? "This policy has no heap pages to show." : "");
      return;
    }
    canvas.hidden = false;
    const { runs, runOfCell, cells } = readMap(snapshot.map);
    const layout = mapLayout(snapshot.map, cells, width, width < 640 ? 560 : 420);
    const scale = devicePixelRatio || 1;
    const picture = document.createElement("canvas");
    for (const each of [picture, canvas]) {
      each.width = Math.ceil(layout.width * scale);
      each.height = Math.ceil(layout.height * scale);
    }
    canvas.style.width = `${layout.width}px`;
    canvas.style.height = `${layout.height}px`;
    const ctx = picture.getContext("2d");
    ctx.scale(scale, scale);
    const { paint } = mapColourings[colouring];
    const colours = runs.map((run) => colour(paint(run)));
    const none = colour("map-none");
    const gap = layout.size >= 5 ? 1 : 0;
    for (let cell = 0; cell < cells; ++cell) {
      const run = runs[runOfCell[cell]];
      const [x, y] = placeOf(layout, cell);
      ctx.fillStyle = colours[runOfCell[cell]];
      ctx.fillRect(x, y, layout.size - gap, layout.size - gap);
      // In use, yet never touched: hollow.
      if (run.state !== mapStates.free && run.resident === 0 && layout.size >= 4) {
        ctx.fillStyle = none;
        ctx.fillRect(x + 1, y + 1, layout.size - gap - 2, layout.size - gap - 2);
      }
    }
    drawBorders(ctx, layout);
    drawAddresses(ctx, layout, snapshot.map);
    drawn = { picture, layout, scale };
    if (chosen >= cells) chosen = -1;
    point();
    fill(keyHolder, key(mapColourings[colouring].key), element("p", { class: "lead" },
      `A cell is ${bytes(snapshot.map.cell_bytes)}${layout.perHuge > 1 ? "; lines are the borders of huge pages of 2 MiB" : ""}; hollow: in use, never touched.`));
  }

  function drawBorders(ctx, layout) {
    if (layout.perHuge <= 1) return;
    ctx.fillStyle = colour("map-border");
    const bottom = layout.rows * layout.size;
    if (layout.columns > layout.perHuge) {
      for (let column = layout.perHuge; column < layout.columns; column += layout.perHuge) {
        ctx.fillRect(layout.labels + column * layout.size - 1.5, 0, 2, bottom);
      }
    }
    const rows = Math.max(1, layout.perHuge / layout.columns);
    for (let row = rows; row < layout.rows; row += rows) {
      ctx.fillRect(layout.labels, row * layout.size - 1.5, layout.columns * layout.size, 2);
    }
  }

  function drawAddresses(ctx, layout, map) {
    if (layout.labels === 0) return;
    ctx.fillStyle = colour("text-soft");
    ctx.font = `11px ${colour("mono")}`;
    ctx.textBaseline = "top";
    const every = Math.max(1, Math.ceil(15 / layout.size));
    for (let row = 0; row < layout.rows; row += every) {
      const begin = map.begin_address + (row * layout.columns - layout.lead) * map.cell_bytes;
      ctx.fillText(address(begin), 0, row * layout.size + Math.max(0, (layout.size - 13) / 2), layout.labels - 8);
    }
  }

  function point() {
    if (!drawn) return;
    const { picture, layout, scale } = drawn;
    const ctx = canvas.getContext("2d");
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, canvas.width, canvas.height);
    ctx.drawImage(picture, 0, 0);
    const snapshot = shownSnapshot();
    if (chosen < 0) {
      fill(readout, "Point at a cell, or use the arrow keys, to see what it is.");
      return;
    }
    ctx.scale(scale, scale);
    const [x, y] = placeOf(layout, chosen);
    ctx.lineWidth = 2;
    ctx.strokeStyle = colour("text");
    ctx.strokeRect(x - 1, y - 1, layout.size + 1, layout.size + 1);
    fill(readout, describe(snapshot, chosen));
  }

  function describe(snapshot, cell) {
    const { map } = snapshot;
    const { runs, runOfCell } = readMap(map);
    const run = runs[runOfCell[cell]];
    const slot = listOf(snapshot, "size_classes").find((row) => row.size_class === run.size_class);
    const what = [
      run.resident > 0 ? "free pages that are resident" : "free pages, not resident",
      `slots of ${slot ? bytes(slot.slot_bytes) : `class ${run.size_class}`}, ${run.live} % live`,
      "a large object", "a stack or work buffer",
    ][run.state];
    return [
      element("code", {}, address(map.begin_address + cell * map.cell_bytes)), ": ", element("strong", {}, what),
      run.state !== mapStates.free && `, ${run.resident} % resident`,
      run.huge > 0 && ", on a huge page",
      run.cells > 1 && `; ${count(run.cells)} cells alike, ${bytes(run.cells * map.cell_bytes)}`,
    ];
  }

  canvas.addEventListener("pointermove", (event) => {
    if (!drawn) return;
    const box = canvas.getBoundingClientRect();
    const cell = cellAt(drawn.layout, readMap(shownSnapshot().map).cells, event.clientX - box.left, event.clientY - box.top);
    if (cell >= 0 && cell !== chosen) {
      chosen = cell;
      point();
    }
  });
  canvas.addEventListener("keydown", (event) => {
    if (!drawn || event.ctrlKey || event.altKey || event.metaKey) return;
    const { cells } = readMap(shownSnapshot().map);
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -drawn.layout.columns, ArrowDown: drawn.layout.columns, Home: -cells, End: cells };
    if (!(event.key in steps)) return;
    event.preventDefault();
    chosen = chosen < 0 ? 0 : Math.min(cells - 1, Math.max(0, chosen + steps[event.key]));
    point();
  });
  onWidth(holder, (now) => { width = now; draw(); });
  view.on("run snapshot theme", draw);

  const tools = choice("map-colouring", "Colour by", Object.entries(mapColourings).map(([value, { label }]) => [value, label]), colouring, (value) => {
    colouring = value;
    draw();
  });
  return { tools, body: [holder, readout, keyHolder] };
}

function heapMapSection() {
  const map = heapMap();
  const made = section("heap", "The heap at a moment",
    "What stood where in the address space. The slider goes through the moments at which the heap was looked at, those in view; a click in the chart above chooses the nearest.",
    map.tools, momentPicker(), map.body);
  const update = () => { made.hidden = shownSnapshot() === null; };
  view.on("run", update);
  update();
  return made;
}
