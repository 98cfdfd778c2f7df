// Who pins the pages: call sites, or what stands for them, at the chosen moment.

function callSitesSection() {
  const ofSites = "detail.snapshots.sites.";
  return snapshotSection("sites", "Who pins the pages",
    "A span cannot be given back while anything lives in it: its pages are charged to what lives there.", null, (holder, snapshot) => {
      const detail = view.run.detail;
      const places = new Map(rowsOf(detail.call_sites).map((place) => [place.id, place]));
      const rows = listOf(snapshot, "sites");
      const names = siteNames(rows.map((row) => places.get(row.site)));
      const number = (title, name, format = bytes) =>
        ({ title, metric: `${ofSites}${name}`, value: (row) => row[name], cell: (row) => format(row[name]) });
      const named = { title: detail.has_call_sites ? "Call site" : "Request size", text: true, value: (row) => names.get(places.get(row.site)), cell: (row) => siteCell(places.get(row.site), names) };
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

// "function (file.c:12)", as far as it is known; all arguments and the whole path where there is room.
function frameText(place, i, whole) {
  const name = report.names[place.frames[i]];
  const frame = whole ? name : name.replace(/\((?!anonymous)[^()]*\)( const)?$/, "()");
  const file = report.names[place.frame_files?.[i]];
  if (!file) return frame;
  const path = whole ? file : file.slice(file.lastIndexOf("/") + 1);
  const line = place.frame_lines?.[i];
  return `${frame} (${path}${line ? `:${line}` : ""})`;
}

const shownFrames = 3;
// The innermost frames behind the allocator's own.
const siteName = (place) => (place?.frames?.length > 0
  ? place.frames.map((_, i) => frameText(place, i)).slice(place.first_frame, place.first_frame + shownFrames).join(" \u2190 ")
  : unknown);

// The same for many, by place: to names that are alike the frames are added that tell them apart, two at most.
function siteNames(places) {
  const names = new Map(places.map((place) => [place, siteName(place)]));
  const shown = new Map(places.map((place) => [place, shownFrames]));
  const outer = (place, at) => place.frames[place.first_frame + at];
  for (let round = 0; round < 2; ++round) {
    for (const name of distinct([...names.values()])) {
      const alike = [...names.keys()].filter((place) => place?.frames && names.get(place) === name);
      if (alike.length < 2) continue;
      const most = Math.max(...alike.map((place) => place.frames.length));
      const from = Math.max(...alike.map((place) => shown.get(place)));
      let at = from;
      while (at < most && alike.every((place) => outer(place, at) === outer(alike[0], at))) ++at;
      for (const place of alike) {
        shown.set(place, at + 1);
        if (outer(place, at) === undefined) continue;
        names.set(place, `${name}${at > from ? " \u2190 \u2026" : ""} \u2190 ${frameText(place, place.first_frame + at)}`);
      }
    }
  }
  return names;
}

// All frames are behind a click.
function siteCell(place, names) {
  const frames = place?.frames ?? [];
  const name = element("span", { class: "site" }, names.get(place));
  if (frames.length <= shownFrames) return name;
  return element("details", { class: "stack" }, element("summary", {}, name),
    element("ol", {}, frames.map((_, i) => element("li", {}, frameText(place, i, true)))));
}
