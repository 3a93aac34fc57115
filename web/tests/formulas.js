// Compares every formula of web/formulas with genbook's numbers: node tests/formulas.js < vectors.
//
// The vectors are [module, function, arguments, expected]. With "mutants" as its argument it alters
// the formulas, one sign at a time, and prints the alterations that no vector notices.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const FORMULAS = join(import.meta.dirname, "..", "formulas");
const TOLERANCE = 1e-9;

function differs(got, expected, place = "") {
  if (typeof expected === "number") {
    const near = Math.abs(got - expected) <= TOLERANCE * Math.max(1, Math.abs(expected));
    return near ? null : `${place} is ${got}, not ${expected}`;
  }
  if (expected === null || typeof expected !== "object") {
    return got === expected ? null : `${place} is ${got}, not ${expected}`;
  }
  const keys = Object.keys(expected);
  if (Object.keys(got ?? {}).length !== keys.length) return `${place} has other parts`;
  for (const key of keys) {
    const found = differs(got[key], expected[key], `${place}.${key}`);
    if (found) return found;
  }
  return null;
}

async function load(folder) {
  const files = readdirSync(folder).filter((file) => file.endsWith(".js"));
  return Object.fromEntries(await Promise.all(files.map(async (file) =>
    [file.slice(0, -3), await import(pathToFileURL(join(folder, file)))])));
}

function failures(modules, vectors) {
  const untested = new Set(Object.entries(modules).flatMap(([module, it]) =>
    Object.keys(it).filter((name) => typeof it[name] === "function").map((name) => `${module}.${name}`)));
  const found = [];
  for (const [module, name, given, expected] of vectors) {
    untested.delete(`${module}.${name}`);
    let wrong;
    try {
      wrong = differs(modules[module][name](...given), expected);
    } catch (error) {
      wrong = String(error);
    }
    if (wrong) found.push(`${module}.${name}(${JSON.stringify(given)})${wrong}`);
  }
  return [...found, ...[...untested].map((name) => `${name} has no vector`)];
}

// Each module with one operator exchanged, outside of comments.
function* mutants(text) {
  const swaps = { "+": "-", "-": "+", "*": "/", "/": "*" };
  for (const { 0: sign, index } of text.matchAll(/(?<= )[-+*/](?= )/g)) {
    const line = text.slice(text.lastIndexOf("\n", index) + 1, index);
    if (!line.includes("//")) yield [text.slice(0, index) + swaps[sign] + text.slice(index + 1), index];
  }
}

async function unnoticed(vectors) {
  const found = [];
  for (const file of readdirSync(FORMULAS)) {
    const text = readFileSync(join(FORMULAS, file), "utf8");
    for (const [altered, index] of mutants(text)) {
      const folder = mkdtempSync(join(tmpdir(), "formulas-"));
      for (const each of readdirSync(FORMULAS)) {
        const kept = each === file ? altered : readFileSync(join(FORMULAS, each), "utf8");
        writeFileSync(join(folder, each), kept);
      }
      writeFileSync(join(folder, "package.json"), '{"type": "module"}');
      if (!failures(await load(folder), vectors).length) {
        found.push(`${file}:${text.slice(0, index).split("\n").length}: ${text.slice(index - 20, index + 20)}`);
      }
      rmSync(folder, { recursive: true });
    }
  }
  return found;
}

const vectors = JSON.parse(readFileSync(0, "utf8"));
const found = process.argv[2] === "mutants" ? await unnoticed(vectors) : failures(await load(FORMULAS), vectors);
process.stdout.write(found.join("\n"));
