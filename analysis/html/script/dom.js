// Elements. Text always goes in as text, never as markup: names in a trace may be anything.

function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(made.style, value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  append(made, children);
  return made;
}

function append(parent, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

function fill(parent, ...children) {
  parent.replaceChildren();
  append(parent, children);
  return parent;
}

// Text in which backquotes mark code, as in docs/metrics.md.
function withCode(text) {
  return text.split("`").map((piece, i) => (i % 2 ? element("code", {}, piece) : piece));
}

// A section of the page with a heading; `aside` stands at the right of the heading.
function section(id, title, lead, aside, ...children) {
  return element(
    "section", { id, class: "card", "aria-labelledby": `${id}-title` },
    element("div", { class: "card-head" },
      element("div", {},
        element("h2", { id: `${id}-title` }, title),
        lead && element("p", { class: "lead" }, lead)),
      aside && element("div", { class: "card-tools" }, aside)),
    children);
}

// A choice of few: a row of radio buttons. Arrow keys work as the browser does them.
function choice(name, label, options, chosen, onchange) {
  return element(
    "fieldset", { class: "choice" },
    element("legend", { class: "hidden" }, label),
    options.map(([value, text]) =>
      element("label", {},
        element("input", {
          type: "radio", name, value, checked: value === chosen,
          onchange: (event) => event.target.checked && onchange(value),
        }),
        element("span", {}, text))));
}

function picker(id, label, options, chosen, onchange) {
  const select = element("select", { id, onchange: () => onchange(select.value) },
    options.map(([value, text]) => element("option", { value, selected: value === chosen }, text)));
  return element("span", { class: "picker" }, element("label", { for: id }, label), select);
}

// Calls `draw(width)` now and whenever the element's width changes.
function onWidth(target, draw) {
  let last = 0;
  new ResizeObserver((entries) => {
    const width = Math.floor(entries[0].contentRect.width);
    if (width > 0 && width !== last) draw((last = width));
  }).observe(target);
}

// For screen readers: what just changed.
const announcer = element("p", { class: "hidden", role: "status", "aria-live": "polite" });
const announce = (text) => fill(announcer, text);
