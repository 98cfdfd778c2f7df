// The size classes at the chosen moment: what their slots and spans hold.

const ofClasses = "detail.snapshots.size_classes.";

function sizeClassTable(snapshot) {
  const number = (title, name, format = count) =>
    ({ title, metric: `${ofClasses}${name}`, value: (row) => row[name], cell: (row) => format(row[name]) });
  const slots = (row) => row.live_slots + row.dead_slots + row.free_slots;
  const wasted = number("Wasted", "span_slack_bytes", bytes);
  return sortableTable("Size classes", [
    { title: "Slot", metric: `${ofClasses}slot_bytes`, value: (row) => row.slot_bytes,
      cell: (row) => [className(row), row.noscan ? "" : element("span", { class: "badge" }, "pointers")] },
    number("Spans", "spans"),
    { title: "Slots", value: (row) => row.live_slots / Math.max(1, slots(row)),
      cell: (row) => miniBar([["part-live", row.live_slots], ["part-dead", row.dead_slots], ["part-slack", row.free_slots]], slots(row)) },
    number("Live", "live_slots"), number("Dead", "dead_slots"), number("Free", "free_slots"),
    number("Live bytes", "live_resident_bytes", bytes),
    number("Rounding", "internal_bytes", bytes),
    number("Dead bytes", "dead_bytes", bytes),
    wasted,
    { title: "Spans by use", metric: `${ofClasses}spans_by_tenths`, cell: (row) => miniColumns(row.spans_by_tenths, "map-full") },
    number("Could be freed", "compactable_spans"),
    number("Saves", "compaction_saves_bytes", bytes),
  ], listOf(snapshot, "size_classes"), { sortBy: wasted, limit: 14 });
}

function sizeClassSection() {
  return snapshotSection("classes", "Size classes", null, null, (holder, snapshot) => fill(holder,
    element("p", { class: "lead" }, `${snapshotTitle(snapshot)}, event ${count(snapshot.event)}. Wasted: resident bytes in free slots. Could be freed: spans beyond those that the live slots need.`),
    key([["part-live", "live slots"], ["part-dead", "dead, not yet swept"], ["part-slack", "free"]]),
    sizeClassTable(snapshot)));
}

// How full the spans are, over all classes.
function occupancySection() {
  return snapshotSection("occupancy", "Spans by occupancy", "Spans of small objects by the share of their slots that is live.", null, (holder, snapshot) => {
    const small = listOf(snapshot, "size_classes").filter((row) => row.size_class !== 0);
    const sum = (value) => small.reduce((total, row) => total + value(row), 0);
    const spans = sum((row) => row.spans);
    const rows = Array.from({ length: 11 }, (_, tenth) => {
      const here = sum((row) => row.spans_by_tenths[tenth] ?? 0);
      const label = tenth === 0 ? "none live" : tenth === 1 ? "up to 10 %" : `${10 * tenth - 10} to ${10 * tenth} %`;
      const paint = tenth === 0 ? "map-empty" : tenth <= 3 ? "map-sparse" : tenth <= 7 ? "map-middle" : "map-full";
      return { label, segments: [[paint, here]], text: [element("strong", {}, count(here)), ` ${percent(here, spans)}`] };
    });
    fill(holder,
      spans === 0 ? element("p", { class: "empty" }, "There are no spans of small objects.") : barRows("Spans by occupancy", rows),
      element("p", { class: "readout" },
        term(`${ofClasses}compactable_spans`, "If live slots were moved together"),
        `, ${count(sum((row) => row.compactable_spans))} of ${count(spans)} spans would be empty, ${bytes(sum((row) => row.compaction_saves_bytes))} of resident memory.`));
  });
}
