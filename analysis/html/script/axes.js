// What all charts over time have in common.

const byteSteps = Array.from({ length: 60 }, (_, i) => 2 ** i);
const timeSteps = [
  ...Array.from({ length: 9 }, (_, i) => [1, 2, 5].map((n) => n * 10 ** (i - 9))).flat(),
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200,
  ...Array.from({ length: 16 }, (_, i) => 86400 * 2 ** i),
];
const eventSteps = Array.from({ length: 18 }, (_, i) => [1, 2, 5].map((n) => n * 10 ** i)).flat();

const axisLook = () => ({
  stroke: () => colour("text-soft"),
  font: `11px ${colour("font")}`,
  grid: { stroke: () => colour("grid"), width: 1 },
  ticks: { show: false },
});

const xAxis = () => ({
  ...axisLook(),
  space: 80,
  size: 28,
  incrs: view.axis === "event" ? eventSteps : timeSteps,
  values: (u, ticks) => ticks.map((x) => (view.axis === "event" ? shortCount(x) : seconds(x))),
});

const bytesAxis = (size = 72) => ({
  ...axisLook(),
  size,
  space: 34,
  incrs: byteSteps,
  values: (u, ticks) => ticks.map((y) => (y === 0 ? "0" : bytes(y).replace(/\.0 /, " "))),
});

// From nothing to a little above the highest.
const fromZero = (u, low, high) => [0, isKnown(high) && high > 0 ? high * 1.06 : 1];

// A drag over the chart zooms all of them; a double click shows everything again.
const zoomByDrag = {
  drag: { x: true, y: false, setScale: false, uni: 8 },
  bind: { dblclick: () => () => resetRange() },
};

function zoomToSelection(u) {
  const { left, width } = u.select;
  if (width <= 0) return;
  u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  setRange(u.posToVal(left, "x"), u.posToVal(left + width, "x"));
}

function applyRange(u) {
  const [min, max] = shownRange();
  u.setScale("x", { min, max });
}
