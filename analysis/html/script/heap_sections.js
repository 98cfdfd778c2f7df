// What is known of the heap beyond its parts. A run without snapshots says how to get them.

function heapSections() {
  const hint = element("p", { class: "empty hint" });
  const update = () => {
    hint.hidden = shownSnapshot() !== null;
    fill(hint, view.run.has_parts
      ? ["The map of the heap, its size classes and call sites are in the report of a single replay: ",
        element("code", {}, `heapsim replay ${baseName(view.run.trace)} --policy=${view.run.policy} --html=FILE`)]
      : "This policy has no heap to look into: no map, no size classes, no call sites.");
  };
  view.on("run", update);
  update();
  return [
    hint,
    heapMapSection(),
    element("div", { class: "pair" }, occupancySection(), freeRunsSection()),
    sizeClassSection(),
    callSitesSection(),
    lifetimesSection(),
  ];
}
