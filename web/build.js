// Bundles the explorables for the pages and draws their static pictures.
//
// Standard input: {"out": folder for the bundles, or null}. Standard output: for each explorable
// {"html": what stands in the page, "svg": a picture that stands alone}.
import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";

import { build } from "esbuild";

const { out } = JSON.parse(readFileSync(0, "utf8"));
const names = readdirSync("explorables").filter((file) => file.endsWith(".jsx"))
  .map((file) => basename(file, ".jsx")).sort();
const shared = { bundle: true, format: "esm", jsx: "automatic", jsxImportSource: "preact" };

if (out) {
  await build({
    ...shared,
    entryPoints: ["frame/frame.jsx", ...names.map((name) => `explorables/${name}.jsx`)],
    outdir: out,
    entryNames: "[name]",
    chunkNames: "shared-[hash]",
    splitting: true,
    minify: true,
    target: "es2022",
  });
  copyFileSync("frame/loader.js", `${out}/loader.js`); // it asks for the others by name, when they are near
}

const lines = names.map((name) => `export * as ${name.replaceAll("-", "_")} from "./explorables/${name}.jsx";`);
const bundled = await build({
  ...shared,
  stdin: { contents: `${lines.join("\n")}\nexport { page, picture } from "./frame/still.jsx";`, resolveDir: "." },
  platform: "node",
  write: false,
});
const made = await import(`data:text/javascript;base64,${Buffer.from(bundled.outputFiles[0].contents).toString("base64")}`);
const pictures = {};
for (const name of names) {
  const it = made[name.replaceAll("-", "_")];
  pictures[name] = { html: made.page(it), svg: made.picture(it) };
}
process.stdout.write(JSON.stringify(pictures));
