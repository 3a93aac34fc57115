// A Gaussian in the plane, cut by a line: what the known number says about the other.
import { condition, density } from "../formulas/gaussians.js";
import { AxisX, Curve, Handle, Text, V, fixed, scale, steps } from "../frame/parts.jsx";

const two = fixed(2);
const END = 3;
const [S1, S2] = [1, 1]; // the widths of the two numbers

export const title = "A Gaussian in the plane, cut by a line";
export const state = { value: 1.2, rho: 0.8 };
export const controls = [
  { key: "value", name: "the known number v", label: <>known <i>v</i></>, min: -2.5, max: 2.5, step: 0.05, show: two, colour: "two" },
  { key: "rho", name: "correlation", label: "correlation", min: -0.95, max: 0.95, step: 0.05, show: two, colour: "one" },
];
export const sizes = { wide: [720, 360], narrow: [340, 270] };

const covariance = (rho) => [[S1 ** 2, rho * S1 * S2], [rho * S1 * S2, S2 ** 2]];
const cut = ({ rho, value }) => condition([0, 0], covariance(rho), value);

export function readout(now) {
  const { mean, variance } = cut(now);
  return [
    [<>mean of <i>u</i></>, two(mean), "three"],
    [<>width of <i>u</i></>, two(Math.sqrt(variance)), "three"],
    ["width before", two(S2), "muted"],
  ];
}

export function summary(now) {
  const { mean, variance } = cut(now);
  return `Where v is ${two(now.value)}, u has mean ${two(mean)} and width ${two(Math.sqrt(variance))}.`;
}

// Where the density is that of `r` widths from the middle: a circle, stretched as x = L z.
const ellipse = (rho, r, x, y) => steps(0, 2 * Math.PI, 73).map((angle) => [
  x(S1 * r * Math.cos(angle)),
  y(S2 * r * (rho * Math.cos(angle) + Math.sqrt(1 - rho ** 2) * Math.sin(angle))),
]);

export function draw(now, { width, height, narrow }) {
  const side = narrow ? 110 : 250; // the panel on the right, for the bell of u
  const base = height - 30;
  const x = scale([-END, END], [14, width - side - 16]);
  const y = scale([-END, END], [base, 10]);
  const { mean, variance } = cut(now);
  const grid = steps(-END, END, 91);
  const tall = scale([0, 1.3], [width - side, width - 8]);
  const bell = (m, v) => grid.map((at) => [tall(density(at, m, v)), y(at)]);
  const shape = bell(mean, variance);
  const place = (px) => ({ value: x.invert(px) });
  return (
    <>
      {[2.5, 2, 1.5, 1, 0.5].map((r) => (
        <path d={`M${ellipse(now.rho, r, x, y).map((p) => p.map((n) => n.toFixed(1)).join()).join("L")}Z`}
          fill="var(--gb-one)" opacity="0.16" />
      ))}
      <AxisX scale={x} y={base} count={narrow ? 3 : 6} label={<V>v</V>} />
      <path d={`M${x(now.value).toFixed(1)} ${base}V10`} stroke="var(--gb-two)" stroke-width="2.5" />
      <path d={`M${x(now.value).toFixed(1)} ${y(mean).toFixed(1)}H${tall(0)}`} stroke="var(--gb-three)"
        stroke-width="2" stroke-dasharray="2 5" stroke-linecap="round" />
      <path d={`M${x(now.value).toFixed(1)} ${y(mean - Math.sqrt(variance)).toFixed(1)}V${y(mean + Math.sqrt(variance)).toFixed(1)}`}
        stroke="var(--gb-three)" stroke-width="6" stroke-linecap="round" />
      <circle cx={x(now.value)} cy={y(mean)} r="6" fill="var(--gb-three)" stroke="var(--gb-paper)" stroke-width="2" />
      <path d={`M${tall(0)} ${base}V10`} stroke="var(--gb-line)" />
      <Curve points={bell(0, S2 ** 2)} colour="muted" wide={2} stroke-dasharray="6 5" />
      <path d={`M${shape.map((p) => p.map((n) => n.toFixed(1)).join()).join("L")}Z`} fill="var(--gb-three)" opacity="0.18" />
      <Curve points={shape} colour="three" wide={3.5} />
      <Text x={tall(0) + 8} y={22} anchor="start" colour="muted"><V>u</V></Text>
      <Handle x={x(now.value)} y={base} colour="two" axis="across" drag={place} />
    </>
  );
}
