// Numbers as people read them. Every function takes null for "unknown" and never prints NaN.

const unknown = "unknown";
const isKnown = (value) => value !== null && value !== undefined && Number.isFinite(value);

function bytes(value) {
  if (!isKnown(value)) return unknown;
  const units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  const sign = value < 0 ? "\u2212" : "";
  let rest = Math.abs(value);
  if (rest < 1024) return `${sign}${Math.round(rest)} B`;
  let unit = 0;
  for (rest /= 1024; rest >= 1024 && unit + 1 < units.length; ++unit) rest /= 1024;
  return `${sign}${rest.toFixed(rest < 100 ? 1 : 0)} ${units[unit]}`;
}

const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const count = (value) => (isKnown(value) ? grouped.format(value) : unknown);

// "220.6 k" where digits beyond that only take room.
function shortCount(value) {
  if (!isKnown(value)) return unknown;
  const units = ["", " k", " M", " G", " T", " P"];
  let unit = 0;
  let rest = value;
  for (; Math.abs(rest) >= 1000 && unit + 1 < units.length; ++unit) rest /= 1000;
  return unit === 0 ? grouped.format(rest) : trimmed(rest.toFixed(rest < 100 ? 1 : 0)) + units[unit];
}

// "1.50" as "1.5", "2.0" as "2".
const trimmed = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

const ratio = (value) =>
  isKnown(value) ? (Math.abs(value) < 100 ? value.toFixed(2) : grouped.format(value)) : unknown;

function percent(part, whole) {
  if (!isKnown(part) || !isKnown(whole) || whole === 0) return "";
  const share = (100 * part) / whole;
  return share > 0 && share < 0.1 ? "< 0.1 %" : `${share.toFixed(1)} %`;
}

// What a ratio is as a change: "\u221212.3 %".
function change(value) {
  if (!isKnown(value)) return unknown;
  const by = 100 * (value - 1);
  if (Math.abs(by) < 0.05) return "\u00b10 %";
  return `${by > 0 ? "+" : "\u2212"}${Math.abs(by).toFixed(Math.abs(by) < 100 ? 1 : 0)} %`;
}

// Seconds, in the unit in which they are short.
function seconds(value) {
  if (!isKnown(value)) return unknown;
  const size = Math.abs(value);
  if (size === 0) return "0 s";
  if (size < 1e-6) return `${trimmed((value * 1e9).toFixed(0))} ns`;
  if (size < 1e-3) return `${trimmed((value * 1e6).toFixed(2))} \u00b5s`;
  if (size < 1) return `${trimmed((value * 1e3).toFixed(2))} ms`;
  if (size < 120) return `${trimmed(value.toFixed(3))} s`;
  const whole = Math.round(size);
  const parts = [
    [Math.floor(whole / 86400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"],
    [whole % 60, "s"],
  ].filter(([n]) => n > 0);
  return (value < 0 ? "\u2212" : "") + parts.slice(0, 2).map(([n, unit]) => `${n} ${unit}`).join(" ");
}

const nanoseconds = (value) => (isKnown(value) ? seconds(value / 1e9) : unknown);

const address = (value) => `0x${value.toString(16)}`;

// A value by the unit that docs/metrics.md gives it.
function inUnit(value, unit) {
  if (!isKnown(value)) return unknown;
  if (value >= 18446744073709550000) return "2\u2076\u2074 \u2212 1";
  switch (unit) {
    case "bytes": return bytes(value);
    case "ns": return nanoseconds(value);
    case "s": return seconds(value);
    case "share": return `${(100 * value).toFixed(1)} %`;
    case "percent": return `${trimmed(value.toFixed(1))} %`;
    case "ratio": return ratio(value);
    case "bytes x s": return `${bytes(value)}\u00b7s`;
    case "count": case "event": return count(value);
    default: return Number.isInteger(value) ? count(value) : ratio(value);
  }
}
