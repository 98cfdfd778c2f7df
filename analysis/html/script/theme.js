// Light and dark: the system's choice, unless the button says otherwise.

const themeChoices = ["auto", "light", "dark"];
// A page from disk may not be allowed to keep anything.
function storedTheme() {
  try {
    return localStorage.getItem("heapsim-theme");
  } catch {
    return null;
  }
}

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  try {
    localStorage.setItem("heapsim-theme", name);
  } catch {
    // The choice then lasts as long as the page.
  }
  coloursNow = null;
  view.tell("theme");
}

// Colours are the style sheet's; charts ask for them when they draw.
let coloursNow = null;
function colour(name) {
  coloursNow ??= getComputedStyle(document.documentElement);
  return coloursNow.getPropertyValue(`--${name}`).trim();
}

function themeButton() {
  const button = element("button", { type: "button", class: "quiet", id: "theme" });
  const show = () => {
    const now = document.documentElement.dataset.theme;
    fill(button, { auto: "\u25d0", light: "\u2600", dark: "\u263e" }[now], " ", now[0].toUpperCase() + now.slice(1));
    button.setAttribute("aria-label", `Colours: ${now}. Change`);
  };
  button.addEventListener("click", () => {
    const now = document.documentElement.dataset.theme;
    setTheme(themeChoices[(themeChoices.indexOf(now) + 1) % themeChoices.length]);
  });
  const stored = storedTheme();
  document.documentElement.dataset.theme = themeChoices.includes(stored) ? stored : "auto";
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    coloursNow = null;
    view.tell("theme");
  });
  view.on("theme", show);
  show();
  return button;
}
