// One step back when x_0 is known: two parabolas add up, and their sum is the posterior's bell.
import { qPosterior, witnesses } from "../formulas/ddpm.js";
import { density } from "../formulas/gaussians.js";
import { alphaBars, linear } from "../formulas/schedules.js";
import { Curve, Handle, Shade, Text, V, fixed, scale, steps } from "../frame/parts.jsx";

const T = 20;
const BARS = alphaBars(linear(T, 1e-3, 0.3));
const two = fixed(2);
const END = 2.4; // of the axis
const DEEP = 9; // how far down the parabolas are shown

export const title = "One step back, given the present and the start";
export const state = { xt: -0.7, x0: 0.8, t: 8 };
export const controls = [
  { key: "xt", name: "x t, the present", label: <>present <i>x<sub>t</sub></i></>, min: -2, max: 2, step: 0.05, show: two, colour: "two" },
  { key: "x0", name: "x 0, the start", label: <>start <i>x</i><sub>0</sub></>, min: -1, max: 1, step: 0.05, show: two, colour: "one" },
  { key: "t", name: "time t", label: <>time <i>t</i></>, min: 2, max: T, step: 1, colour: "ink" },
];
export const sizes = { wide: [720, 430], narrow: [340, 400] };

const answer = ({ x0, xt, t }) => qPosterior(x0, xt, BARS[t], BARS[t - 1]);

export function readout(now) {
  const { mean, variance, ofX0, ofXt } = answer(now);
  return [
    [<>mean <i>μ̃<sub>t</sub></i></>, two(mean), "three"],
    [<>variance <i>β̃<sub>t</sub></i></>, fixed(4)(variance), "three"],
    [<>weight of <i>x</i><sub>0</sub></>, fixed(3)(ofX0), "one"],
    [<>weight of <i>x<sub>t</sub></i></>, fixed(3)(ofXt), "two"],
  ];
}

export function summary(now) {
  const { mean, variance, ofX0, ofXt } = answer(now);
  return `The posterior at time ${now.t} has mean ${two(mean)} and variance ${fixed(4)(variance)}. ` +
    `The start counts ${fixed(3)(ofX0)}, the present ${fixed(3)(ofXt)}.`;
}

// Where a bell says x_{t-1} is: from what it was told, on its rail, up to its top.
function Rail({ x, y, from, to, colour, drag, children }) {
  return (
    <g>
      <path d={`M${x(-END)} ${y}H${x(END)}`} stroke="var(--gb-line)" />
      <path d={`M${x(from).toFixed(1)} ${y}H${x(to).toFixed(1)}`} stroke={`var(--gb-${colour})`} stroke-width="3" opacity="0.5" />
      <path d={`M${x(to).toFixed(1)} ${y - 7}v14`} stroke={`var(--gb-${colour})`} stroke-width="3" />
      <Handle x={x(from)} y={y} colour={colour} axis="across" drag={drag} />
      <Text x={x(-END) + 2} y={y - 9} anchor="start" colour={colour}>{children}</Text>
    </g>
  );
}

export function draw(now, { width, height, narrow }) {
  const { past, present } = witnesses(now.x0, now.xt, BARS[now.t], BARS[now.t - 1]);
  const { mean, variance } = answer(now);
  const x = scale([-END, END], [12, width - 12]);
  const rails = [height - 62, height - 20];
  const [top, fold, base] = [22, narrow ? 128 : 150, rails[0] - 34];
  const depth = scale([0, -DEEP], [top, fold]);
  const parabola = (at) => -((at - past.mean) ** 2) / (2 * past.variance);
  const other = (at) => -((at - present.mean) ** 2) / (2 * present.variance);
  const sum = (at) => parabola(at) + other(at);
  // Each only as far as it is inside the picture; its steepest part needs the finest grid.
  const drawn = (f, tip, spread) => {
    const left = Math.max(0, DEEP + f(tip));
    const reach = Math.sqrt(2 * spread * left);
    const grid = steps(Math.max(-END, tip - reach), Math.min(END, tip + reach), 61);
    return grid.map((at) => [x(at), depth(Math.max(-DEEP, f(at)))]);
  };
  const tall = density(mean, mean, variance);
  const rise = scale([0, tall], [base, fold + 44]);
  const bell = (m, v) => {
    const grid = steps(Math.max(-END, m - 4 * Math.sqrt(v)), Math.min(END, m + 4 * Math.sqrt(v)), 81);
    return grid.map((at) => [x(at), rise(density(at, m, v))]);
  };
  const visible = sum(mean) > -DEEP;
  return (
    <>
      <path d={`M${x(-END)} ${top}H${x(END)}`} stroke="var(--gb-line)" />
      <Text x={x(-END)} y={fold + 22} anchor="start" colour="muted" font-size="13">↑ logarithms add</Text>
      <Text x={x(END)} y={fold + 22} anchor="end" colour="muted" font-size="13">densities multiply ↓</Text>
      <path d={`M${x(mean).toFixed(1)} ${visible ? depth(sum(mean)).toFixed(1) : fold}V${base}`}
        stroke="var(--gb-three)" stroke-dasharray="2 5" stroke-width="2" stroke-linecap="round" />
      <Curve points={drawn(parabola, past.mean, past.variance)} colour="one" />
      <Curve points={drawn(other, present.mean, present.variance)} colour="two" />
      {visible && <Curve points={drawn(sum, mean, variance)} colour="three" wide={3.5} />}
      {[[past.mean, "one", <V sub="0">x</V>], [present.mean, "two", <V sub="t">x</V>]].map(([tip, colour, name]) => (
        Math.abs(tip) < END && <Text x={x(tip)} y={top - 6} colour={colour}>{name}</Text>
      ))}
      <path d={`M${x(-END)} ${base}H${x(END)}`} stroke="var(--gb-line)" />
      <Shade points={bell(mean, variance)} base={base} colour="three" />
      <Curve points={bell(past.mean, past.variance)} colour="one" />
      <Curve points={bell(present.mean, present.variance)} colour="two" />
      <Curve points={bell(mean, variance)} colour="three" wide={3.5} />
      <Text x={x(END)} y={base + 18} anchor="end" colour="muted"><V sub="t−1">x</V></Text>
      <Rail x={x} y={rails[0]} from={now.x0} to={past.mean} colour="one" drag={(px) => ({ x0: x.invert(px) })}>
        <V sub="0">x</V>
      </Rail>
      <Rail x={x} y={rails[1]} from={now.xt} to={present.mean} colour="two" drag={(px) => ({ xt: x.invert(px) })}>
        <V sub="t">x</V>
      </Rail>
    </>
  );
}
