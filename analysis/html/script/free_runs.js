// Runs of free pages by their length: few long ones can serve anything, many short ones cannot.

function freeRunsSection() {
  const ofRuns = "detail.snapshots.free_runs.";
  return snapshotSection("free-runs", "Free runs by length", "Bytes in runs of free pages, by the length of the run.", null, (holder, snapshot) => {
    const runs = listOf(snapshot, "free_runs");
    const longest = listOf(snapshot, "longest_free_runs");
    fill(holder,
      runs.length === 0
        ? element("p", { class: "empty" }, "There are no free pages.")
        : [
          key([["map-free", "resident"], ["part-lazyfree", "given back, or never touched"]]),
          barRows("Free runs by length", runs.map((row) => ({
            label: `${bytes(row.min_bytes)} +`,
            segments: [["map-free", row.resident_bytes], ["part-lazyfree", row.bytes - row.resident_bytes]],
            text: [element("strong", {}, bytes(row.bytes)), ` in ${count(row.runs)} ${row.runs === 1 ? "run" : "runs"}`],
          }))),
          longest.length > 0 && element("p", { class: "readout" },
            term("detail.snapshots.longest_free_runs.bytes", "The longest"), `: ${bytes(longest[0].bytes)} at `, element("code", {}, address(longest[0].address)),
            `, ${bytes(longest[0].resident_bytes)} of it `, term(`${ofRuns}resident_bytes`, "resident"), "."),
        ]);
  });
}
