// The heap at a moment, as it was looked at while the run went on.

// Columns as rows: { a: [1, 2] } as [{ a: 1 }, { a: 2 }].
function rowsOf(columns) {
  const names = Object.keys(columns ?? {});
  if (names.length === 0) return [];
  return columns[names[0]].map((_, i) => Object.fromEntries(names.map((name) => [name, columns[name][i]])));
}

const shownSnapshot = () => snapshotsOf(view.run)[view.snapshot] ?? null;

const snapshotRows = new WeakMap();
// The rows of one list of a snapshot: "size_classes", "free_runs", "longest_free_runs", "sites".
function listOf(snapshot, list) {
  let known = snapshotRows.get(snapshot);
  if (!known) snapshotRows.set(snapshot, (known = {}));
  return (known[list] ??= rowsOf(snapshot[list]));
}

const className = (row) => (row.size_class === 0 ? "large" : bytes(row.slot_bytes));

// A section that shows something of the chosen snapshot, hidden in runs without any.
function snapshotSection(id, title, lead, tools, show) {
  const holder = element("div", {});
  const made = section(id, title, lead, tools, holder);
  const update = () => {
    const snapshot = shownSnapshot();
    made.hidden = snapshot === null;
    if (snapshot) show(holder, snapshot);
  };
  view.on("run snapshot", update);
  update();
  return made;
}

const snapshotTitle = (snapshot) => ({ peak: "The peak", end: "The end", sample: "A moment" })[snapshot.label] ?? snapshot.label;

// A slider over the snapshots in view.
function momentPicker() {
  const slider = element("input", { type: "range", id: "moment", min: "0", step: "1" });
  const position = element("span", { class: "range" });
  const peak = element("button", { type: "button", id: "moment-peak" }, "Peak");
  const text = element("p", { class: "moment-text", id: "moment-text" });
  const holder = element("div", { class: "moment" },
    element("label", { for: "moment" }, "Moment"), slider,
    element("span", {}, position, " ", peak), text);

  slider.addEventListener("input", () => setSnapshot(shownSnapshots()[Number(slider.value)]));
  peak.addEventListener("click", () => {
    resetRangeFor(peakSnapshot());
    setSnapshot(peakSnapshot());
  });
  const resetRangeFor = (index) => shownSnapshots().includes(index) || resetRange();

  const show = () => {
    const snapshot = shownSnapshot();
    if (!snapshot) return;
    const shown = shownSnapshots();
    const at = shown.indexOf(view.snapshot);
    slider.max = String(Math.max(0, shown.length - 1));
    slider.value = String(Math.max(0, at));
    slider.disabled = shown.length < 2;
    const where = `event ${count(snapshot.event)}, ${nanoseconds(snapshot.time_ns)}`;
    slider.setAttribute("aria-valuetext", `${snapshotTitle(snapshot)}, ${where}, ${bytes(snapshot.rss_bytes)} resident`);
    fill(position, at >= 0 ? `${at + 1} of ${shown.length}${view.range ? " in view" : ""}` : "none in view");
    peak.disabled = view.snapshot === peakSnapshot();
    fill(text,
      element("strong", {}, snapshotTitle(snapshot)), `, ${where}: `,
      term("detail.snapshots.rss_bytes", "RSS"), ` ${bytes(snapshot.rss_bytes)}, `,
      term("detail.snapshots.live_bytes", "live"), ` ${bytes(snapshot.live_bytes)}. `,
      term("detail.snapshots.release_now_bytes", "A release now"), ` gives back ${bytes(snapshot.release_now_bytes)}, `,
      term("detail.snapshots.release_after_gc_bytes", "after a collection"), ` ${bytes(snapshot.release_after_gc_bytes)}; `,
      term("detail.snapshots.compaction_saves_bytes", "perfect compaction"), ` saves ${bytes(snapshot.compaction_saves_bytes)} more.`);
  };
  view.on("run range axis snapshot", show);
  show();
  return holder;
}
