// A cloud of particles in an exact field, down to the data or up to the noise, with a dial for the noise.
import { roundScore } from "../formulas/gaussians.js";
import { down, rates, up } from "../formulas/sde.js";
import { Curve, Text, V, fixed, scale } from "../frame/parts.jsx";

const DATA = { weights: [0.3, 0.3, 0.4], means: [[-1.5, 0.3], [0.5, 1.4], [0.9, -1.2]], variance: 0.04 };
const COUNT = 240;
const STEPS = 200;
const TRAILS = [3, 20, 41, 77, 110, 180]; // particles whose way is drawn
const END = 3.2; // of both axes
const COLOURS = ["one", "two", "three"];
const FIRST = 0.005; // the flow upwards has no score at t = 0 to begin with
const two = fixed(2);

// Normal numbers of a seed.
function normals(seed) {
  let state = seed * 7919 + 1;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

const nearest = ([x, y]) => {
  const apart = DATA.means.map(([u, v]) => (x - u) ** 2 + (y - v) ** 2);
  return apart.indexOf(Math.min(...apart));
};
const dropOf = (k) => (k < 0.3 * COUNT ? 0 : k < 0.6 * COUNT ? 1 : 2);

// All states of all particles, the first time first.
function walk({ eta, way, seed }) {
  const draw = normals(seed);
  const along = Array.from({ length: STEPS + 1 }, (_, i) => (i / STEPS) ** 1.5);
  const times = way === "down" ? along.reverse() : along.map((t) => Math.max(t, FIRST));
  const [a, b] = rates(FIRST);
  let now = Array.from({ length: COUNT }, (_, k) => {
    const z = [draw(), draw()];
    if (way === "down") return z;
    return DATA.means[dropOf(k)].map((m, i) => a * (m + Math.sqrt(DATA.variance) * draw()) + b * z[i]);
  });
  const states = [now];
  const move = way === "down" ? down : up;
  for (let i = 0; i < STEPS; i += 1) {
    const at = rates(times[i]);
    now = now.map((x) => {
      const score = roundScore(x, at, DATA);
      return x.map((value, j) => move(value, score[j], times[i], times[i + 1], eta, draw()));
    });
    states.push(now);
  }
  return { times, states, drops: states.at(way === "down" ? -1 : 0).map(nearest) };
}

// The picture, the numbers and the words ask for the same walk, and so do all times of it.
let last = ["", null];
function walked(now) {
  const key = `${now.eta} ${now.way} ${now.seed}`;
  if (last[0] !== key) last = [key, walk(now)];
  return last[1];
}

// The state that is shown: that of the time nearest to the slider's.
function index({ times }, t) {
  return times.reduce((best, time, i) => (Math.abs(time - t) < Math.abs(times[best] - t) ? i : best), 0);
}

// The correlation of where a particle is with where it began, over both coordinates.
function memory({ states }, i) {
  const pairs = states[0].flatMap((x, k) => x.map((value, j) => [value, states[i][k][j]]));
  const mean = (of) => pairs.reduce((sum, pair) => sum + of(pair), 0) / pairs.length;
  const [p, q] = [mean((pair) => pair[0]), mean((pair) => pair[1])];
  const product = mean((pair) => (pair[0] - p) * (pair[1] - q));
  return product / Math.sqrt(mean((pair) => (pair[0] - p) ** 2) * mean((pair) => (pair[1] - q) ** 2));
}
// The mean square of a coordinate: of the particles, and of the law that they should have.
const square = (state) => state.reduce((sum, [x, y]) => sum + x * x + y * y, 0) / (2 * COUNT);
function lawful(t) {
  const [a, b] = rates(t);
  const apart = DATA.means.reduce((sum, [x, y], k) => sum + (DATA.weights[k] * (x * x + y * y)) / 2, 0);
  return a * a * (apart + DATA.variance) + b * b;
}

export const title = "Particles in an exact field";
export const state = { t: 0.15, eta: 1, way: "down", seed: 1 };
export const controls = [
  { key: "way", name: "direction", options: { down: "back to the data", up: "forward to the noise" } },
  { key: "t", name: "time", label: <i>t</i>, min: 0, max: 1, step: 0.01, show: two, colour: "ink" },
  { key: "eta", name: "eta", label: <i>η</i>, min: 0, max: 2, step: 0.1, show: fixed(1), colour: "two" },
  { label: "Other noise", act: ({ seed }) => ({ seed: seed + 1 }) },
];
export const sizes = { wide: [720, 380], narrow: [340, 350] };

// Another direction begins at its own end.
export function follow(now, changes) {
  return changes.way === undefined ? {} : { t: changes.way === "down" ? 1 : 0 };
}

function numbers(now) {
  const run = walked(now);
  const i = index(run, now.t);
  const t = run.times[i];
  const end = run.states[now.way === "down" ? STEPS : 0].map(nearest);
  const shares = DATA.weights.map((_, k) => two(end.filter((drop) => drop === k).length / COUNT));
  return { memory: two(memory(run, i)), square: two(square(run.states[i])), law: two(lawful(t)), shares: shares.join(", ") };
}

export function readout(now) {
  const { memory: kept, square: mine, law, shares } = numbers(now);
  return [
    ["mean square of a coordinate", `${mine} (exact: ${law})`, "ink"],
    ["shares of the drops", `${shares} (data: 0.30, 0.30, 0.40)`, "ink"],
    ["correlation with the start", kept, "two"],
  ];
}

export function summary(now) {
  const { memory: kept, square: mine, law } = numbers(now);
  return `At time ${two(now.t)} with eta ${fixed(1)(now.eta)} the mean square of a coordinate is ${mine}, exact ${law}. ` +
    `The correlation of a particle with its start is ${kept}.`;
}

// Three marks for three drops, so that colour is not all that tells them apart.
function Mark({ x, y, drop }) {
  const fill = `var(--gb-${COLOURS[drop]})`;
  const [cx, cy] = [x.toFixed(1), y.toFixed(1)];
  if (drop === 0) return <circle cx={cx} cy={cy} r="2.6" fill={fill} />;
  if (drop === 1) return <path d={`M${cx} ${cy}m-2.4-2.4h4.8v4.8h-4.8z`} fill={fill} />;
  return <path d={`M${cx} ${cy}m0-3.4l3.2 5.4h-6.4z`} fill={fill} />;
}

export function draw(now, { width, height, narrow }) {
  const run = walked(now);
  const i = index(run, now.t);
  const side = height - 30;
  const x = scale([-END, END], [narrow ? 10 : 6, (narrow ? 10 : 6) + side]);
  const y = scale([-END, END], [side + 4, 4]);
  const [a, b] = rates(run.times[i]);
  const ring = ((x(1) - x(0)) * 2 * Math.sqrt(a * a * DATA.variance + b * b)).toFixed(1);
  const [from, to] = [x(END) + 46, width - 12];
  const t = scale([0, 1], [from, to]);
  const keep = (value) => Math.max(-END, Math.min(END, value));
  return (
    <>
      <rect x={x(-END)} y={y(END)} width={side} height={side} stroke="var(--gb-line)" />
      {DATA.means.map(([u, v]) => (
        <circle cx={x(a * u).toFixed(1)} cy={y(a * v).toFixed(1)} r={Math.min(ring, side / 2)} stroke="var(--gb-muted)"
          stroke-dasharray="3 4" />
      ))}
      {TRAILS.map((k) => (
        <Curve points={run.states.slice(0, i + 1).map((state) => [x(keep(state[k][0])), y(keep(state[k][1]))])}
          colour={COLOURS[run.drops[k]]} wide={1.3} opacity="0.7" />
      ))}
      {run.states[i].map(([u, v], k) => Math.abs(u) < END && Math.abs(v) < END && (
        <Mark x={x(u)} y={y(v)} drop={run.drops[k]} />
      ))}
      {!narrow && (
        <>
          {TRAILS.map((k) => (
            <Curve points={run.states.slice(0, i + 1).map((state, j) => [t(run.times[j]), y(keep(state[k][0]))])}
              colour={COLOURS[run.drops[k]]} wide={1.4} />
          ))}
          <path d={`M${from} ${y(-END)}H${to}`} stroke="var(--gb-line)" />
          <path d={`M${t(run.times[i]).toFixed(1)} ${y(-END)}V${y(END)}`} stroke="var(--gb-ink)" stroke-dasharray="2 3" />
          <Text x={from} y={height - 8} anchor="start" colour="muted" font-size="13"><V>t</V> = 0</Text>
          <Text x={to} y={height - 8} anchor="end" colour="muted" font-size="13"><V>t</V> = 1</Text>
          <Text x={(from + to) / 2} y={height - 8} colour="muted" font-size="13">across, over time</Text>
        </>
      )}
      <Text x={x(0)} y={height - 8} colour="muted" font-size="13">the plane at <V>t</V> = {two(run.times[i])}</Text>
    </>
  );
}
