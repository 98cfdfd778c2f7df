// How long objects lived, over the whole trace.

function lifetimesSection() {
  const holder = element("div", {});
  let clock = "by_events";
  let what = "objects";
  const show = () => {
    const lifetimes = view.run.detail?.lifetimes;
    const rows = rowsOf(lifetimes?.[clock]);
    made.hidden = rows.length === 0 && !(lifetimes?.unfreed_objects > 0);
    if (made.hidden) return;
    const size = what === "objects" ? count : bytes;
    const unfreed = what === "objects" ? lifetimes.unfreed_objects : lifetimes.unfreed_bytes;
    const total = rows.reduce((sum, row) => sum + row[what], unfreed);
    const label = (row) => {
      const text = clock === "by_events" ? (n) => `${shortCount(n)} events` : nanoseconds;
      return row.min === 0 ? `less than ${text(1)}` : `${text(row.min)} +`;
    };
    fill(holder,
      barRows("Lifetimes", [
        ...rows.map((row) => ({ label: label(row), segments: [["part-live", row[what]]], text: [element("strong", {}, size(row[what])), ` ${percent(row[what], total)}`] })),
        { label: "never freed", segments: [["part-slack", unfreed]], text: [element("strong", {}, size(unfreed)), ` ${percent(unfreed, total)}`] },
      ]),
      element("p", { class: "readout" }, term(`detail.lifetimes.${clock}.${what}`, `What counts as a lifetime`), "; a realloc ends one life and begins another."));
  };
  const made = section("lifetimes", "Lifetimes", "Objects by how long they lived, each row twice as long as the one before.", [
    choice("clock", "Measured in", [["by_events", "Events"], ["by_ns", "Time"]], clock, (value) => { clock = value; show(); }),
    choice("weight", "Weighed by", [["objects", "Objects"], ["bytes", "Bytes"]], what, (value) => { what = value; show(); }),
  ], holder);
  view.on("run", show);
  show();
  return made;
}
