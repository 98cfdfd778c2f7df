// What is known of the heap beyond its parts. A run without snapshots says how to get them.

function heapSections() {
  const hint = element("p", { class: "empty hint" });
  const update = () => {
    hint.hidden = shownSnapshot() !== null;
    fill(hint, view.run.has_parts
      ? ["Nobody looked into the heap of this run: no map, no size classes, no call sites. Without ", element("code", {}, "--no-detail"), " they are here."]
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
