// What the explorables do, for genbook.hands to be compared with: node tests/hands.js < changes.
//
// Standard input: {NAME: [[change, …], …]}, walks from the first state; a change is an object of
// what changes, or the label of a button. Standard output: for each explorable its title, its
// state, its controls, and of each walk the states and readouts it comes through.
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

import { build } from "esbuild";

const web = join(import.meta.dirname, "..");
const names = readdirSync(join(web, "explorables")).filter((file) => file.endsWith(".jsx"))
  .map((file) => basename(file, ".jsx")).sort();
const lines = names.map((name) => `export * as ${name.replaceAll("-", "_")} from "./explorables/${name}.jsx";`);
const bundled = await build({
  bundle: true, format: "esm", jsx: "automatic", jsxImportSource: "preact", platform: "node", write: false,
  stdin: {
    contents: `${lines.join("\n")}\nexport { settled } from "./frame/frame.jsx";
      import { render } from "preact-render-to-string";
      import { h, Fragment } from "preact";
      export const html = (label) => render(h(Fragment, null, label));`,
    resolveDir: web,
  },
});
const made = await import(`data:text/javascript;base64,${Buffer.from(bundled.outputFiles[0].contents).toString("base64")}`);

const end = (value, state) => (typeof value === "function" ? value(state) : value);
// A control as it is seen in a state.
function seen(control, state) {
  const { key, label, name, min, max, step, options, act, when, show = String } = control;
  const shown = { there: !when || Boolean(when(state)) };
  if (act) return { ...shown, label };
  if (options) return { ...shown, key, name, options };
  return { ...shown, key, label: made.html(label), min: end(min, state), max: end(max, state), step, value: show(state[key]) };
}

const walks = JSON.parse(readFileSync(0, "utf8"));
const found = {};
for (const name of names) {
  const it = made[name.replaceAll("-", "_")];
  const tell = (state) => ({
    state,
    controls: it.controls.map((control) => seen(control, state)),
    readout: it.readout(state).map(([label, value, colour]) => [made.html(label), value, colour]),
  });
  found[name] = {
    title: it.title,
    start: tell(it.state),
    walks: (walks[name] ?? []).map((walk) => {
      let state = it.state;
      return walk.map((change) => {
        const button = it.controls.find(({ act, label }) => act && label === change);
        state = made.settled(it, state, button ? button.act(state) : change);
        return tell(state);
      });
    }),
  };
}
process.stdout.write(JSON.stringify(found));
