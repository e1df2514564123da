// The page's build: hashed files into mynah/server/page/, nothing inline, so that a strict CSP can hold.
import { defineConfig, type Plugin } from "vite";

// KaTeX's style sheet names each font three times; every browser that runs this page reads woff2.
const onlyWoff2: Plugin = {
  name: "only-woff2",
  enforce: "pre",
  transform(code, id) {
    if (!id.endsWith("katex.min.css")) return;
    return code.replace(/,url\([^)]*\.(?:woff|ttf)\) format\("(?:woff|truetype)"\)/g, "");
  },
};

export default defineConfig({
  plugins: [onlyWoff2],
  build: {
    outDir: "../mynah/server/page",
    emptyOutDir: true,
    license: { fileName: "licenses.md" }, // of the libraries in the bundle; it is packaged with them
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2023",
    chunkSizeWarningLimit: 400,
    rolldownOptions: {
      onwarn(warning, warn) {
        if (warning.code !== "MODULE_LEVEL_DIRECTIVE") warn(warning); // "use client" of libraries: meant for servers
      },
    },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8642", "/v1": "http://127.0.0.1:8642" } },
});
