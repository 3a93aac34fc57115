// Names and objects as boxes and arrows: a small program, one line at a time, forwards and back.
// Each state was read off Python's own objects while it ran (genbook.hands.traces).
import programs from "../data/programs.json";
import { Text } from "../frame/parts.jsx";

const last = ({ program }) => programs[program].states.length - 1;
const at = ({ program, line }) => programs[program].states[line];
const START = { lists: 2, numbers: 2, calls: 1, copies: 2, tensors: 3 };

export const title = "A program, line by line";
export const state = { program: "lists", line: START.lists };
export const controls = [
  { key: "program", name: "program", options: { lists: "lists", numbers: "numbers, tuples", calls: "calls", copies: "copies", tensors: "tensors" } },
  { key: "line", name: "steps taken", label: "steps", min: 0, max: last, step: 1 },
  { label: "◂ Back", act: ({ line }) => ({ line: line - 1 }) },
  { label: "Step ▸", act: ({ line }) => ({ line: line + 1 }) },
];
export const sizes = { wide: [720, 340], narrow: [340, 540] };

export function follow(now, changes) {
  return "program" in changes ? { line: START[now.program] } : {};
}

const MONO = { "font-family": "ui-monospace, Menlo, Consolas, monospace", "font-size": "13" };
const LETTER = 7.85; // the width of one, and the room beside them
const PAD = 7;
const wide = (text) => text.length * LETTER + 2 * PAD;

export function readout(now) {
  const { names } = at(now);
  return [
    ["names", String(Object.keys(names).length), "one"],
    ["objects with a name", String(new Set(Object.values(names)).size), "one"],
  ];
}

const next = (now) => {
  const { line, event } = at(now);
  if (event === "end") return "The program is over.";
  return event === "return" ? "Next: the call returns." : `Next: ${programs[now.program].lines[line].trim()}`;
};

export function summary(now) {
  return [...at(now).words, next(now)].join(" ");
}

// Everything of a program has one place, whatever the step: what there is in its last states.
function plan(now, area) {
  const { states } = programs[now.program];
  const names = [...new Set(states.flatMap((each) => Object.keys(each.names)))];
  const { objects } = states.at(-1);
  const outer = objects.flatMap((it, i) => (it.inner ? [] : [i]));
  const inner = objects.flatMap((it, i) => (it.inner ? [i] : []));
  const storages = [...new Set(objects.flatMap((it) => it.storage ?? []))];
  const rows = (keys) => Object.fromEntries(keys.map((key, i) =>
    [key, area.top + (area.height * (i + 0.5)) / Math.max(keys.length, 3)]));
  return { names: rows(names), objects: { ...rows(outer), ...rows(inner) }, storages: rows(storages) };
}

function Arrow({ from, to, colour, strong }) {
  const [[x, y], [u, v]] = [from, to];
  const bend = Math.max(18, (u - x) / 2);
  return (
    <g opacity={strong ? 1 : 0.9}>
      <path d={`M${x} ${y}C${x + bend} ${y} ${u - bend - 6} ${v} ${u - 6} ${v}`}
        stroke={`var(--gb-${colour})`} stroke-width={strong ? 3 : 1.6} />
      <path d={`M${u} ${v}l-8 -4.5v9z`} fill={`var(--gb-${colour})`} />
    </g>
  );
}

// A box with words: faded and dotted when no name leads to it, with a strong edge when it has just changed.
function Box({ x, y, text, alive, changed }) {
  const width = wide(text);
  return (
    <g opacity={alive ? 1 : 0.65}>
      <rect x={x} y={y - 14} width={width} height={28} rx={4} fill="var(--gb-one)" fill-opacity={alive ? 0.13 : 0} />
      <rect x={x} y={y - 14} width={width} height={28} rx={4} stroke={changed ? "var(--gb-two)" : "var(--gb-muted)"}
        stroke-width={changed ? 3 : 1.2} stroke-dasharray={alive ? undefined : "3 4"} />
      <Text x={x + PAD} y={y + 4.5} anchor="start" colour={alive ? "ink" : "muted"} {...MONO}>{text}</Text>
    </g>
  );
}

const words = (it) => {
  if (it.held) return `[${it.held.map(() => "•").join(", ")}]`;
  if (it.sees) return `places ${it.sees[0]}–${it.sees[0] + it.sees[1] - 1}`;
  return it.text;
};
const same = (one, two) => JSON.stringify(one) === JSON.stringify(two);

// The program, with a mark at the line that comes next.
function Code({ now, x, y, width, pitch }) {
  const { lines } = programs[now.program];
  const { line, event } = at(now);
  return lines.map((text, i) => {
    const marked = i === line;
    return (
      <g>
        {marked && <rect x={x} y={y + i * pitch - 15} width={width} height={22} rx={4} fill="var(--gb-three)" opacity="0.18" />}
        {marked && <Text x={x + 5} y={y + i * pitch} anchor="start" colour="three" {...MONO}>{event === "return" ? "↩" : "▸"}</Text>}
        <Text x={x + 20 + LETTER * text.search(/\S|$/)} y={y + i * pitch} anchor="start" {...MONO}>{text.trim()}</Text>
      </g>
    );
  });
}

export function draw(now, { width, height, narrow }) {
  const here = at(now);
  const before = now.line > 0 ? programs[now.program].states[now.line - 1] : here;
  const area = narrow ? { top: 232, height: height - 296 } : { top: 24, height: height - 90 };
  const column = narrow ? [72, 108, 222] : [382, 428, 574];
  const place = plan(now, area);
  const changed = (it, i) => before.objects[i] && !same([it.text, it.held], [before.objects[i].text, before.objects[i].held]);
  const heading = { colour: "muted", "font-size": "13", y: area.top - 6 };
  const third = here.objects.some((it) => it.storage !== undefined) ? "numbers" :
    here.objects.some((it) => it.inner) ? "inside" : "";
  const cell = 27;
  const strips = Object.fromEntries(here.objects.flatMap((it, i) => (it.cells ? [[it.storage, [it, i]]] : [])));
  const lives = (k) => here.objects.some((it) => it.storage === k && it.alive);
  return (
    <g key={`${now.program} ${now.line}`}>
      <Code now={now} x={0} y={narrow ? 16 : 34} width={narrow ? width : 268} pitch={narrow ? 20 : 24} />
      {!narrow && <path d={`M288 14V${height - 76}`} stroke="var(--gb-line)" />}
      <Text x={column[0]} anchor="end" {...heading}>names</Text>
      <Text x={column[1]} anchor="start" {...heading}>objects</Text>
      {third && <Text x={column[2]} anchor="start" {...heading}>{third}</Text>}
      {Object.entries(here.names).map(([name, i]) => {
        const tied = before.names[name] !== i;
        const y = place.names[name];
        const [short, within] = name.split(" in ");
        return (
          <g>
            <Arrow from={[column[0] + 6, y]} to={[column[1] - 3, place.objects[i]]} colour={tied ? "two" : "muted"} strong={tied} />
            <Text x={column[0]} y={y + 4.5} anchor="end" font-weight={tied ? "700" : "400"} {...MONO}>{short}</Text>
            {within && <Text x={column[0]} y={y + 19} anchor="end" colour="muted" font-size="13">in {within}</Text>}
          </g>
        );
      })}
      {here.objects.map((it, i) => (
        <Box x={it.inner ? column[2] : column[1]} y={place.objects[i]} text={words(it)} alive={it.alive} changed={changed(it, i)} />
      ))}
      {here.objects.flatMap((it, i) => (it.held ?? []).map((j, k) => (
        <g opacity={it.alive ? 1 : 0.4}>
          <Arrow from={[column[1] + wide(words(it)), place.objects[i] + (k ? 6 : -6)]}
            to={[column[2] - 3, place.objects[j]]} colour="muted" />
        </g>
      )))}
      {here.objects.map((it, i) => it.storage !== undefined && (
        <g opacity={it.alive ? 1 : 0.4}>
          <Arrow from={[column[1] + wide(words(it)), place.objects[i]]} to={[column[2] - 3, place.storages[it.storage]]} colour="muted" />
        </g>
      ))}
      {Object.entries(strips).map(([k, [it, i]]) => (
        <g opacity={lives(Number(k)) ? 1 : 0.55}>
          {it.cells.map((value, c) => {
            const fresh = before.objects[i] && before.objects[i].cells[c] !== value;
            return (
              <g transform={`translate(${column[2] + c * cell} ${place.storages[k]})`}>
                <rect y={-14} width={cell} height={28} fill="var(--gb-three)" fill-opacity="0.13" />
                <rect y={-14} width={cell} height={28} stroke={fresh ? "var(--gb-two)" : "var(--gb-muted)"} stroke-width={fresh ? 3 : 1.2} />
                <Text x={cell / 2} y={4.5} {...MONO}>{value}</Text>
              </g>
            );
          })}
        </g>
      ))}
      <path d={`M0 ${height - 58}H${width}`} stroke="var(--gb-line)" />
      {here.words.slice(0, 2).map((text, i) => (
        <Text x={0} y={height - 32 + 22 * i} anchor="start">{text}</Text>
      ))}
      {here.words.length === 0 && <Text x={0} y={height - 32} anchor="start" colour="muted">Nothing has run yet.</Text>}
    </g>
  );
}
