// What a number means, one click away, in the words of docs/metrics.md.

const explanationOf = (metric) => {
  const found = report.explanations[metric];
  // A fault of the page, which its test finds.
  if (!found) console.error(`no explanation of ${metric}`);
  const [heading, unit, meaning, beware] = found ?? ["", "", unknown, ""];
  return { heading, unit, meaning, beware };
};

function explain(metric) {
  const { heading, unit, meaning, beware } = explanationOf(metric);
  const dialog = document.getElementById("explanation");
  fill(dialog,
    element("form", { method: "dialog" },
      element("button", { class: "close", "aria-label": "Close" }, "\u2715")),
    element("h2", { id: "explanation-name" }, element("code", {}, metric)),
    element("p", { class: "heading" }, heading, unit && element("span", { class: "unit" }, unit)),
    element("p", {}, withCode(meaning)),
    beware && element("p", { class: "beware" }, element("strong", {}, "Beware: "), withCode(beware)));
  if (!dialog.open) dialog.showModal();
}

// A name that tells its meaning when it is clicked.
function term(metric, text) {
  explanationOf(metric);
  return element("button", {
    type: "button", class: "term", "data-metric": metric, title: "What does this mean?",
    onclick: () => explain(metric),
  }, text);
}

// A click outside of the dialog closes it.
document.getElementById("explanation").addEventListener("click", (event) => {
  if (event.target.id === "explanation") event.target.close();
});
