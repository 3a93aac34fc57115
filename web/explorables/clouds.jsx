// A model and its data, two clouds of points: what five measures say of a fault that one makes by hand.
import data from "../data/clouds.json";
import { coverage, frechet, mmd, precisionRecall } from "../formulas/evaluation.js";
import { Handle, Text, fixed, scale } from "../frame/parts.jsx";

const two = fixed(2);
const { real, noise, bell, centres, width: WIDTH, sound } = data;
const EACH = noise.length / centres.length; // points of a mode; the modes follow each other
const END = 10; // standard deviations of a sound model's values, at the end of a gauge

export const title = "A model's samples beside the data";
export const state = { kind: "modes", lost: 0, spread: 1, shift: 0 };
export const controls = [
  { key: "kind", name: "what the model draws", options: { modes: "three modes", bell: "one bell" } },
  { key: "lost", name: "lost from the third mode", label: "lost", min: 0, max: EACH, step: 1, show: (n) => `${n}/${EACH}`, colour: "two", when: (now) => now.kind === "modes" },
  { key: "spread", name: "spread of the samples", label: "spread", min: 0.2, max: 2.5, step: 0.1, show: (v) => `${fixed(1)(v)} ×`, colour: "two" },
  { key: "shift", name: "shift of the samples", label: "shift", min: -2, max: 2, step: 0.1, show: fixed(1), colour: "two" },
];
export const sizes = { wide: [720, 340], narrow: [340, 520] };

// A point that the third mode loses goes to the first two by turns.
function samples({ kind, lost, spread, shift }) {
  if (kind === "bell") {
    const [cx, cy] = [0, 1].map((axis) => bell.reduce((sum, p) => sum + p[axis], 0) / bell.length);
    return bell.map(([x, y]) => [cx + spread * (x - cx) + shift, cy + spread * (y - cy)]);
  }
  return noise.map(([x, y], i) => {
    const own = Math.floor(i / EACH);
    const [cx, cy] = centres[own === 2 && i % EACH < lost ? i % 2 : own];
    return [cx + spread * WIDTH * x + shift, cy + spread * WIDTH * y];
  });
}

// Each measure: its name, its value, how it is written, and whether more is worse.
function measured(now) {
  const drawn = samples(now);
  const { precision, recall } = precisionRecall(drawn, real, 3);
  return [
    ["Fréchet", "frechet", frechet(drawn, real), fixed(3), 1],
    ["1000 MMD²", "mmd", 1000 * mmd(drawn, real, 1), fixed(1), 1],
    ["precision", "precision", precision, two, -1],
    ["recall", "recall", recall, two, -1],
    ["coverage", "coverage", coverage(drawn, real, 5), two, -1],
  ].map(([name, key, value, show, worse]) => {
    const { low, high, mean, deviation } = sound[key];
    return {
      name, value, show,
      notices: worse > 0 ? value > high : value < low,
      at: (worse * (value - mean)) / deviation,
      band: [(worse * (low - mean)) / deviation, (worse * (high - mean)) / deviation].sort((a, b) => a - b),
    };
  });
}

export const readout = (now) => measured(now).map(({ name, value, show, notices }) =>
  [name, show(value), notices ? "two" : "muted"]);

export function summary(now) {
  const all = measured(now);
  const [seen, blind] = [true, false].map((which) => all.filter((m) => m.notices === which).map((m) => m.name));
  return `Noticed by ${seen.join(", ") || "none"}. Not noticed by ${blind.join(", ") || "none"}.`;
}

export function draw(now, { width, height, narrow }) {
  const side = narrow ? width - 16 : 330;
  const half = 3.6;
  const x = scale([-half, half], [8, 8 + side]);
  const y = scale([-half, half], [8 + side, 8]);
  const top = narrow ? side + 48 : 62;
  const [left, right] = narrow ? [100, width - 70] : [side + 130, width - 78];
  const gauge = scale([-4, END], [left, right]);
  const place = (v) => gauge(Math.min(END, Math.max(-4, v)));
  const inside = ([px, py]) => Math.abs(px) < half && Math.abs(py) < half;
  const drawn = samples(now);
  const gap = narrow ? 30 : 54;
  return (
    <>
      <rect x={x(-half)} y={y(half)} width={side} height={side} rx="6" stroke="var(--gb-line)" />
      {real.map(([px, py]) => <circle cx={x(px).toFixed(1)} cy={y(py).toFixed(1)} r="3.2" fill="var(--gb-one)" opacity="0.75" />)}
      <path d={drawn.filter(inside).map(([px, py]) => `M${(x(px) - 3).toFixed(1)} ${(y(py) - 3).toFixed(1)}l6 6m0 -6l-6 6`).join("")}
        stroke="var(--gb-two)" stroke-width="2" />
      <Text x={x(-half) + 10} y={y(half) + 20} anchor="start" colour="one">● data</Text>
      <Text x={x(-half) + 10} y={y(half) + 38} anchor="start" colour="two">× samples</Text>
      <Handle x={x(now.shift)} y={y(-half) - 18} colour="two" axis="across" drag={(px) => ({ shift: x.invert(px) })} />
      <Text x={gauge(0)} y={top - 20} colour="muted" font-size="13">sound</Text>
      <Text x={right} y={top - 20} colour="muted" font-size="13" anchor="end">worse →</Text>
      {measured(now).map(({ name, at, band, notices }, i) => {
        const line = top + 8 + i * gap;
        return (
          <g>
            <Text x={left - 12} y={line + 5} anchor="end">{name}</Text>
            <path d={`M${left} ${line}H${right}`} stroke="var(--gb-line)" />
            <path d={`M${place(band[0]).toFixed(1)} ${line}H${place(band[1]).toFixed(1)}`} stroke="var(--gb-three)" stroke-width="10" opacity="0.35" />
            <circle cx={place(at).toFixed(1)} cy={line} r="7" fill={`var(--gb-${notices ? "two" : "three"})`} stroke="var(--gb-paper)" stroke-width="2" />
            <Text x={right + 12} y={line + 5} anchor="start" colour={notices ? "two" : "muted"} font-size="13">{notices ? "notices" : "silent"}</Text>
          </g>
        );
      })}
    </>
  );
}
