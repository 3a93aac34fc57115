// DDIM's dial on a mixture of three bells: paths from noise to data, with an exact prediction.
import { step, timesteps } from "../formulas/ddim.js";
import { density, mixtureNoise } from "../formulas/gaussians.js";
import { alphaBars, linear } from "../formulas/schedules.js";
import { Curve, Handle, Text, V, fixed, scale, steps as spaced } from "../frame/parts.jsx";

const T = 1000;
const BARS = alphaBars(linear(T, 1e-4, 0.02));
const DATA = { weights: [0.3, 0.3, 0.4], means: [-1.8, 0, 1.6], variances: [0.09, 0.09, 0.09] };
const COUNT = 400; // paths that are walked
const DRAWN = 20; // and every so-manieth is drawn
const END = 3.2; // of the axis
const BINS = 32;
const two = fixed(2);

const truth = (x) => DATA.weights.reduce(
  (sum, weight, k) => sum + weight * density(x, DATA.means[k], DATA.variances[k]), 0);

// COUNT numbers that lie as a density says: between two of them there is always the same area.
function evenly(f) {
  const grid = spaced(-5, 5, 5001);
  const total = grid.reduce((sum, x) => sum + f(x), 0);
  const places = [];
  let area = 0;
  grid.forEach((x) => {
    area += f(x) / total;
    while (places.length < COUNT && area > (places.length + 0.5) / COUNT) places.push(x);
  });
  return places;
}
const STARTS = evenly((x) => density(x, 0, 1));
const GOALS = evenly(truth);

// Normal numbers of a seed: the evenly spread ones in another order each time, so that 400 paths are
// enough. The path of the reader gets one of them, too.
function shuffles(seed) {
  let a = seed * 7919 + 1;
  const uniform = () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => {
    const shuffled = [...STARTS];
    for (let i = COUNT - 1; i > 0; i -= 1) {
      const j = Math.floor(uniform() * (i + 1));
      [shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]];
    }
    return [...shuffled, STARTS[Math.floor(uniform() * COUNT)]];
  };
}

// All states of all paths, time by time; the path of the reader comes last.
function walk({ eta, steps, start, error, seed }) {
  const times = timesteps(T, steps);
  const shuffle = shuffles(seed);
  let now = [...STARTS.map((x) => x + error), start + error];
  const states = [now];
  for (let i = 0; i < steps; i += 1) {
    const [bar, next] = [BARS[times[i]], BARS[times[i + 1]]];
    const noise = shuffle();
    now = now.map((x, k) => step(x, mixtureNoise(x, bar, DATA), bar, next, eta, noise[k]));
    states.push(now);
  }
  return { times, states };
}

// Picture, numbers and words ask for the same walk.
let last = [null, null];
function walked(now) {
  if (last[0] !== now) last = [now, walk(now)];
  return last[1];
}

const ends = (now) => walked(now).states.at(-1);
// How far the samples are from the data: both sorted, the root mean square of the differences.
function distance(now) {
  const samples = ends(now).slice(0, COUNT).sort((p, q) => p - q);
  return Math.sqrt(samples.reduce((sum, x, i) => sum + (x - GOALS[i]) ** 2, 0) / COUNT);
}
const share = (places) => places.slice(0, COUNT).filter((x) => x > 0.8).length / COUNT;

export const title = "DDIM's dial, with an exact prediction";
export const state = { eta: 1, steps: 10, error: 0, start: 0.5, seed: 1 };
export const controls = [
  { key: "eta", name: "eta", label: <i>η</i>, min: 0, max: 1, step: 0.05, show: two, colour: "two" },
  { key: "steps", name: "number of steps", label: "steps", min: 1, max: 100, step: 1, colour: "three" },
  { key: "error", name: "error added to every x T", label: <>error in <i>x<sub>T</sub></i></>, min: 0, max: 1, step: 0.05, show: two, colour: "ink" },
  { key: "start", name: "x T of the thick path", label: "thick path", min: -2, max: 2, step: 0.05, show: two, colour: "one" },
  { label: "Other noise", act: ({ seed }) => ({ seed: seed + 1 }), when: ({ eta }) => eta > 0 },
];
export const sizes = { wide: [720, 400], narrow: [340, 360] };

export function readout(now) {
  return [
    ["distance to the data", two(distance(now)), "two"],
    ["share in the upper bell", `${two(share(ends(now)))} (data: ${two(DATA.weights[2])})`, "two"],
    ["thick path ends at", two(ends(now)[COUNT]), "one"],
  ];
}

export function summary(now) {
  return `With eta ${two(now.eta)} and ${now.steps} steps the samples are ${two(distance(now))} from the data. ` +
    `The upper bell gets ${two(share(ends(now)))} of them. The thick path ends at ${two(ends(now)[COUNT])}.`;
}

export function draw(now, { width, height, narrow }) {
  const { times, states } = walked(now);
  const side = narrow ? 84 : 150; // the panel on the left, for the data
  const base = height - 34;
  const t = scale([0, T], [side + 6, width - 34]);
  const y = scale([-END, END], [base, 24]);
  const tall = scale([0, 0.85], [side, 4]);
  const path = (k) => states.map((state, i) => [t(times[i]), y(Math.max(-END, Math.min(END, state[k])))]);
  const every = Array.from({ length: COUNT / DRAWN }, (_, i) => i * DRAWN + DRAWN / 2);
  const bin = (2 * END) / BINS;
  const heights = new Array(BINS).fill(0);
  ends(now).slice(0, COUNT).forEach((x) => {
    const i = Math.floor((x + END) / bin);
    if (i >= 0 && i < BINS) heights[i] += 1 / (COUNT * bin);
  });
  const bell = spaced(-END, END, 121).map((x) => [tall(truth(x)), y(x)]);
  const noise = spaced(-END, END, 61).map((x) => [t(T) + 60 * density(x, now.error, 1), y(x)]);
  const mine = path(COUNT);
  return (
    <>
      {heights.map((h, i) => h > 0 && (
        <rect x={tall(Math.min(h, 0.84)).toFixed(1)} y={y(-END + (i + 1) * bin).toFixed(1)} fill="var(--gb-two)" opacity="0.4"
          width={(side - tall(Math.min(h, 0.84))).toFixed(1)} height={(y(0) - y(bin) - 1).toFixed(1)} />
      ))}
      <Curve points={bell} colour="ink" wide={2} />
      <path d={`M${side} ${base}V24`} stroke="var(--gb-line)" />
      <path d={`M${t(T)} ${base}V24`} stroke="var(--gb-line)" />
      <Curve points={noise} colour="muted" wide={2} />
      {every.map((k) => <Curve points={path(k)} colour="muted" wide={1.2} opacity="0.55" />)}
      <Curve points={mine} colour="one" wide={3} />
      {now.steps <= 25 && mine.map(([px, py]) => <circle cx={px.toFixed(1)} cy={py.toFixed(1)} r="3.5" fill="var(--gb-one)" />)}
      <Text x={side - 4} y={14} anchor="end" colour="muted" font-size="13">{narrow ? "data, samples" : "data and samples"}</Text>
      <Text x={t(T) + 26} y={14} anchor="end" colour="muted" font-size="13">noise <V sub="T">x</V></Text>
      <Text x={t(0)} y={height - 12} anchor="start" colour="muted" font-size="13"><V>t</V> = 0</Text>
      <Text x={t(T)} y={height - 12} anchor="end" colour="muted" font-size="13"><V>t</V> = 1000</Text>
      <Handle x={t(T)} y={y(now.start + now.error)} colour="one" axis="along"
        drag={(_, py) => ({ start: y.invert(py) - now.error })} />
    </>
  );
}
