// Light, dark, or as the system is. `data-theme` on the root is always set, so the style sheets know one switch only.
export type Theme = "light" | "dark";

const system = matchMedia("(prefers-color-scheme: dark)");

export function chosenTheme(): Theme | null {
  const theme = localStorage.getItem("theme");
  return theme === "light" || theme === "dark" ? theme : null;
}

function show() {
  document.documentElement.dataset.theme = chosenTheme() ?? (system.matches ? "dark" : "light");
}

export function setTheme(theme: Theme | null) {
  if (theme) localStorage.setItem("theme", theme);
  else localStorage.removeItem("theme");
  show();
}

export function startTheme() {
  show();
  system.addEventListener("change", show);
}
