// What the colours of the heap map say.

const mapStates = { free: 0, small: 1, large: 2, manual: 3 };

// Each way of colouring: its name, its key, and the colour's name of a run.
const mapColourings = {
  occupancy: {
    label: "Use",
    key: [
      ["map-full", "slots, more than 3/4 live"], ["map-middle", "1/4 to 3/4"], ["map-sparse", "less than 1/4"],
      ["map-empty", "none live"], ["map-large", "large object"], ["map-manual", "stack, work buffer"],
      ["map-free", "free, resident"], ["map-none", "not resident"],
    ],
    paint(run) {
      if (run.state === mapStates.free) return run.resident > 0 ? "map-free" : "map-none";
      if (run.state === mapStates.manual) return "map-manual";
      if (run.live === 0) return "map-empty";
      if (run.state === mapStates.large) return "map-large";
      return run.live > 75 ? "map-full" : run.live >= 25 ? "map-middle" : "map-sparse";
    },
  },
  size: {
    label: "Size class",
    key: [["policy-0", "slots: a colour a class, which repeat"], ["map-large", "large object"], ["map-manual", "stack, work buffer"], ["map-free", "free, resident"], ["map-none", "not resident"]],
    paint(run) {
      if (run.state === mapStates.small) return policyPaints[run.size_class % policyPaints.length];
      return mapColourings.occupancy.paint(run);
    },
  },
  huge: {
    label: "Huge pages",
    key: [["map-large", "on a huge page"], ["map-middle", "on small pages"], ["map-none", "not resident"]],
    paint: (run) => (run.huge > 0 ? "map-large" : run.resident > 0 ? "map-middle" : "map-none"),
  },
};

const unpackedMaps = new WeakMap();
// The runs of a map, and for each cell the run it belongs to.
function readMap(map) {
  if (unpackedMaps.has(map)) return unpackedMaps.get(map);
  const read = (name) => unpackColumn(map[name], map.count);
  const [cells, state, size_class, live, resident, huge] =
    ["run_cells", "run_state", "run_size_class", "run_live_percent", "run_resident_percent", "run_huge_percent"].map(read);
  const total = cells.reduce((sum, n) => sum + n, 0);
  const runOfCell = new Uint32Array(total);
  const runs = [];
  let at = 0;
  for (let i = 0; i < map.count; ++i) {
    runs.push({ first: at, cells: cells[i], state: state[i], size_class: size_class[i], live: live[i], resident: resident[i], huge: huge[i] });
    runOfCell.fill(i, at, (at += cells[i]));
  }
  const made = { runs, runOfCell, cells: total };
  unpackedMaps.set(map, made);
  return made;
}
