// The parts that RSS consists of, from the bottom of the stack to the top.
const parts = [
  ["live_resident_bytes", "Live objects", "part-live"],
  ["internal_bytes", "Rounding inside slots", "part-internal"],
  ["dead_bytes", "Dead, not yet swept", "part-dead"],
  ["span_slack_bytes", "Free slots of used spans", "part-slack"],
  ["free_pages_bytes", "Free pages", "part-free"],
  ["manual_bytes", "Stacks, work buffers", "part-manual"],
  ["metadata_bytes", "The allocator's tables", "part-metadata"],
  ["lazyfree_bytes", "Lazily freed", "part-lazyfree"],
  ["other_bytes", "Other", "part-other"],
].map(([name, label, paint]) => ({ name, label, paint }));

// Those that are ever more than nothing in a run. A policy without parts has RSS as its only one.
const partsOfRun = new WeakMap();
function partsOf(run) {
  if (!partsOfRun.has(run)) {
    const used = run.has_parts
      ? parts.filter(({ name }) => columnOf(run, name)?.some((value) => value > 0))
      : [{ name: "rss_bytes", label: "Resident", paint: "part-other" }];
    partsOfRun.set(run, used);
  }
  return partsOfRun.get(run);
}

// For each part in view, lowest first, the height of the stack up to and with it.
function stackOf(run, hidden) {
  let below = new Float64Array(run.series.count);
  return partsOf(run).filter(({ name }) => !hidden.has(name)).map((part) => {
    const values = columnOf(run, part.name);
    below = below.map((height, i) => height + values[i]);
    return { ...part, heights: below };
  });
}
