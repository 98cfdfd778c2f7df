// Who pins the pages: call sites, or what stands for them, at the chosen moment.

function callSitesSection() {
  const ofSites = "detail.snapshots.sites.";
  return snapshotSection("sites", "Who pins the pages",
    "A span cannot be given back while anything lives in it: its pages are charged to what lives there.", null, (holder, snapshot) => {
      const detail = view.run.detail;
      const places = new Map(rowsOf(detail.call_sites).map((place) => [place.id, place]));
      const rows = listOf(snapshot, "sites");
      const number = (title, name, format = bytes) =>
        ({ title, metric: `${ofSites}${name}`, value: (row) => row[name], cell: (row) => format(row[name]) });
      const named = { title: detail.has_call_sites ? "Call site" : "Request size", text: true, value: (row) => siteName(places.get(row.site)), cell: (row) => siteCell(places.get(row.site)) };
      const pinned = number("Pinned", "pinned_bytes");
      const rest = snapshot.other_sites_count > 0 && snapshot.other_sites;
      fill(holder,
        !detail.has_call_sites && element("p", { class: "lead" }, "The trace has no call sites: the sizes of requests stand in for them."),
        key([["part-live", "pinned by its own bytes"], ["part-slack", "pinned, yet not its own"]]),
        rows.length === 0 ? element("p", { class: "empty" }, "Nothing is live.") : sortableTable("Call sites", [
          named,
          pinned,
          { title: "Share", value: (row) => row.pinned_bytes, cell: (row) => miniBar([["part-live", row.pinned_bytes - row.wasted_bytes], ["part-slack", row.wasted_bytes]], rows[0].pinned_bytes) },
          number("Live objects", "live_objects", count),
          number("Live bytes", "live_bytes"),
          number("Alone", "pinned_alone_bytes"),
          number("Wasted", "wasted_bytes"),
          { title: "Live over the run", metric: "detail.call_sites.live_bytes_by_sixteenths", cell: (row) => miniColumns(places.get(row.site)?.live_bytes_by_sixteenths ?? [], "part-live") },
        ], rows, { sortBy: pinned, limit: 12 }),
        rest && element("p", { class: "readout" }, `${count(snapshot.other_sites_count)} more pin ${bytes(rest.pinned_bytes)}.`));
    });
}

// "function (file.c:12)", as far as it is known; the whole path where there is room.
function frameText(place, i, whole) {
  const file = place.frame_files?.[i];
  if (!file) return place.frames[i];
  const name = whole ? file : file.slice(file.lastIndexOf("/") + 1);
  const line = place.frame_lines?.[i];
  return `${place.frames[i]} (${name}${line ? `:${line}` : ""})`;
}

// The innermost frames behind the allocator's own.
const siteName = (place) => (place?.frames?.length > 0
  ? place.frames.map((_, i) => frameText(place, i)).slice(place.first_frame, place.first_frame + 3).join(" \u2190 ")
  : unknown);

// All frames are behind a click.
function siteCell(place) {
  const frames = place?.frames ?? [];
  const name = element("span", { class: "site" }, siteName(place));
  if (frames.length < 4) return name;
  return element("details", { class: "stack" }, element("summary", {}, name),
    element("ol", {}, frames.map((_, i) => element("li", {}, frameText(place, i, true)))));
}
