// A flow map to grab at its two times: where the curve through a point leads, and how much that hangs on the point.
import { density } from "../formulas/gaussians.js";
import { sigmas, walk } from "../formulas/ode.js";
import { Curve, Handle, Text, fixed, scale, steps as spaced } from "../frame/parts.jsx";

const DATA = { weights: [0.3, 0.3, 0.4], means: [-1.8, 0, 1.6], variances: [0.1, 0.1, 0.1] };
const LAST = 0.97; // of t; at 1 the ratio σ is infinite
const END = 2.6; // of the heights
const PUSH = 0.01;
const two = fixed(2);

const ratio = (t) => t / (1 - t); // σ = b / a of the straight path

// The curve through the height z at the time t, on the way to s: pairs of time and height.
function curve(z, t, s) {
  if (t === s) return [[t, z]];
  const grid = sigmas(ratio(t), ratio(s), 7, 80);
  const states = walk("rk4", z * (1 + grid[0]), grid, DATA); // x / a
  return states.map((x, i) => [grid[i] / (1 + grid[i]), x / (1 + grid[i])]);
}
const jump = ({ z, t, s }) => curve(z, t, s).at(-1)[1];
const pushed = (now) => jump({ ...now, z: now.z + PUSH }) - jump(now);

const CURVES = spaced(-2.2, 2.2, 15).map((z) => curve(z, LAST, 0));

export const title = "A flow map between two times";
export const state = { z: -0.5, t: 0.8, s: 0 };
export const controls = [
  { key: "z", name: "height of the start", label: "start", min: -2.2, max: 2.2, step: 0.01, show: two, colour: "one" },
  { key: "t", name: "time t of the start", label: <>from <i>t</i></>, min: 0, max: LAST, step: 0.01, show: two, colour: "one" },
  { key: "s", name: "time s of the end", label: <>to <i>s</i></>, min: 0, max: LAST, step: 0.01, show: two, colour: "two" },
];
export const sizes = { wide: [720, 330], narrow: [340, 300] };

export function readout(now) {
  return [
    ["end", two(jump(now)), "two"],
    ["a push of 0.01 moves it by", fixed(3)(pushed(now)), "two"],
  ];
}

export function summary(now) {
  return `From the height ${two(now.z)} at time ${two(now.t)} the flow leads to ${two(jump(now))} at time ${two(now.s)}. ` +
    `Pushing the start by 0.01 moves the end by ${fixed(3)(pushed(now))}.`;
}

export function draw(now, { width, height }) {
  const [top, base, left, right] = [26, height - 16, 58, width - 14];
  const x = scale([0, 1], [left, right]);
  const y = scale([-END, END], [base, top]);
  const place = ([t, z]) => [x(t), y(Math.max(-END, Math.min(END, z)))];
  const bell = spaced(-END, END, 91).map((z) => [
    left - 6 - 70 * DATA.weights.reduce((sum, w, k) => sum + w * density(z, DATA.means[k], DATA.variances[k]), 0), y(z)]);
  const [start, end] = [place([now.t, now.z]), place([now.s, jump(now)])];
  return (
    <>
      <path d={`M${left - 6} ${base}V${top}`} stroke="var(--gb-line)" />
      <Curve points={bell} colour="ink" wide={1.5} />
      {CURVES.map((points) => <Curve points={points.map(place)} colour="muted" wide={1.2} opacity="0.5" />)}
      <Curve points={curve(now.z, now.t, 0).map(place)} colour="one" wide={2} opacity="0.6" />
      <Curve points={curve(now.z, now.t, LAST).map(place)} colour="one" wide={2} opacity="0.6" />
      <path d={`M${x(now.s).toFixed(1)} ${base}V${top}`} stroke="var(--gb-two)" stroke-dasharray="2 5" />
      <Curve points={[start, end]} colour="two" wide={3} stroke-dasharray="7 6" />
      <Text x={left} y={top - 8} anchor="start" colour="muted" font-size="13">data</Text>
      <Text x={right} y={top - 8} anchor="end" colour="muted" font-size="13">noise</Text>
      <Handle x={end[0]} y={end[1]} colour="two" axis="across" r={7} drag={(px) => ({ s: x.invert(px) })} />
      <Handle x={start[0]} y={start[1]} colour="one" drag={(px, py) => ({ t: x.invert(px), z: y.invert(py) })} />
    </>
  );
}
