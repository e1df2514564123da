// Runs before the first paint, so that the theme and the language never flash; everything else is in src/.
(() => {
  const root = document.documentElement;
  let theme = null;
  try {
    theme = localStorage.getItem("theme");
    if (localStorage.getItem("language") === "zh") root.lang = "zh-Hans";
  } catch {
    // storage is off: the system's theme
  }
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = theme === "light" || theme === "dark" ? theme : dark ? "dark" : "light";
})();
