// What the browser test asks of a page: run in it, returns a list of faults.

// The contrast of all text with what is behind it.
function contrastFaults() {
  const channels = (text) => {
    const numbers = text.match(/[\d.]+/g).map(Number);
    // color(srgb ...) counts from 0 to 1.
    const scale = text.startsWith("color(") ? 255 : 1;
    return [numbers[0] * scale, numbers[1] * scale, numbers[2] * scale, numbers[3] ?? 1];
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(channels(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, top) => [...over(top, below), 1], [255, 255, 255, 1]);
  };
  const faults = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || !element.checkVisibility() || element.closest("script, style, .hidden, :disabled, .choice input:disabled + span, .skip, option, .sort")) continue;
    const style = getComputedStyle(element);
    const ground = behind(element);
    const text = over(channels(style.color), ground);
    const [high, low] = [light(text), light(ground)].sort((a, b) => b - a);
    const contrast = (high + 0.05) / (low + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.6 && Number(style.fontWeight) >= 700);
    if (contrast < (large ? 3 : 4.5)) faults.add(`${contrast.toFixed(2)}: ${element.tagName}.${element.className} "${node.textContent.trim().slice(0, 30)}"`);
  }
  return [...faults];
}

// Read from a copy: a canvas that is read again and again is warned of.
function pixelsOf(canvas) {
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [canvas.width, canvas.height];
  const ctx = copy.getContext("2d", { willReadFrequently: true });
  ctx.drawImage(canvas, 0, 0);
  return ctx.getImageData(0, 0, copy.width, copy.height).data;
}

// Canvases that show nothing: fewer than three colours.
function emptyCanvases() {
  return [...document.querySelectorAll("canvas")].filter((canvas) => canvas.checkVisibility()).flatMap((canvas) => {
    const data = pixelsOf(canvas);
    const colours = new Set();
    for (let i = 0; i < data.length && colours.size < 3; i += 4) colours.add((data[i] << 24) | (data[i + 1] << 16) | (data[i + 2] << 8) | data[i + 3]);
    return colours.size < 3 ? [canvas.id || canvas.closest("[id]")?.id || "canvas"] : [];
  });
}

// What is wider than the page, or stands out of it.
function overflowing() {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > width + 1 && !e.closest(".table-scroll, .map-holder"))
    .map((e) => `${e.tagName}.${e.className}`).slice(0, 5);
}

// A number for what a canvas shows.
function pixelSum(selector) {
  const data = pixelsOf(document.querySelector(selector));
  let sum = 0;
  for (let i = 0; i < data.length; ++i) sum = (Math.imul(sum, 31) + data[i]) | 0;
  return sum;
}

const badNumbers = () => [...document.querySelectorAll("main *, header *")].filter((e) => e.children.length === 0 && /NaN|undefined|Infinity|\[object/.test(e.textContent))
  .map((e) => e.textContent.slice(0, 60));
