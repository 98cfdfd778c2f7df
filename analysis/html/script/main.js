// Puts the page together.

function startPage() {
  document.body.append(announcer);
  const failed = !hasResult(view.run);
  append(document.getElementById("top"), [banner(), hero()]);
  const main = document.getElementById("main");
  append(main, [failedRuns()]);
  if (report.kind === "compare") append(main, comparisonSections());
  if (!failed) {
    append(main, [
      runPicker(),
      runSection(),
      memorySection(),
      ...heapSections(),
      numbersSection(),
      settingsSection(),
    ]);
  }
  append(document.getElementById("foot"), [
    element("p", {}, `Made by heapsim ${report.version}. This page needs no network and loads nothing.`),
  ]);
  fillNavigation();
  view.on("run", fillNavigation);
  document.documentElement.dataset.ready = "true";
}
startPage();
