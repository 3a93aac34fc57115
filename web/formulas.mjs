// Typesets formulas. Standard input: a JSON list of {tex, display}. Standard output: a JSON list of
// {html} or, for a formula that KaTeX does not understand, {error}.
import { readFileSync } from "node:fs";
import katex from "katex";

// Links and pictures within a formula: `trust: false` would set their names in red, without an error.
function refuse({ command }) {
  throw new Error(`${command} may not stand in a formula`);
}

function typeset({ tex, display }) {
  try {
    const html = katex.renderToString(tex, {
      displayMode: display,
      output: "htmlAndMathml",
      throwOnError: true,
      strict: "error",
      trust: refuse,
    });
    return { html };
  } catch (error) {
    return { error: error.message };
  }
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(typeset)));
