// Two witnesses of one number: drag their bells and see the bell of both together.
import { density, product } from "../formulas/gaussians.js";
import { AxisX, Curve, Handle, Shade, Text, V, fixed, scale, steps } from "../frame/parts.jsx";

export const title = "Two bells and their product";
export const state = { m1: -1.2, s1: 0.9, m2: 1.2, s2: 0.6 };
const two = fixed(2);
const witness = (i, colour) => [
  { key: `m${i}`, name: `mean of bell ${i}`, label: <>mean <i>m</i><sub>{i}</sub></>, min: -3, max: 3, step: 0.05, show: two, colour },
  { key: `s${i}`, name: `width of bell ${i}`, label: <>width <i>s</i><sub>{i}</sub></>, min: 0.2, max: 2, step: 0.05, show: two, colour },
];
export const controls = [...witness(1, "one"), ...witness(2, "two")];
export const sizes = { wide: [720, 300], narrow: [340, 260] };
const TALL = 1; // the density at the upper edge

const both = ({ m1, s1, m2, s2 }) => product(m1, s1 ** 2, m2, s2 ** 2);

export function readout(now) {
  const { mean, variance, weight } = both(now);
  return [
    [<>mean <i>m</i></>, two(mean), "three"],
    [<>width <i>s</i></>, two(Math.sqrt(variance)), "three"],
    [<>agreement <i>Z</i></>, fixed(3)(weight), "three"],
  ];
}

export function summary(now) {
  const { mean, variance } = both(now);
  return `The product has mean ${two(mean)} and width ${two(Math.sqrt(variance))}, ` +
    `narrower than ${two(Math.min(now.s1, now.s2))}.`;
}

export function draw(now, { width, height, narrow }) {
  const base = height - 34;
  const x = scale([-4, 4], [14, width - 14]);
  const y = scale([0, TALL], [base, 30]);
  const top = (m, v) => density(m, m, v);
  // A bell that would leave the picture is drawn lower: its area is no longer to scale, its place is.
  const bell = (m, v) => {
    const shrink = Math.min(1, TALL / top(m, v));
    const [left, right] = [m - 4.5 * Math.sqrt(v), m + 4.5 * Math.sqrt(v)];
    return steps(Math.max(-4, left), Math.min(4, right), 91).map((at) => [x(at), y(shrink * density(at, m, v))]);
  };
  const { mean, variance } = both(now);
  const witnesses = [[1, now.m1, now.s1, "one"], [2, now.m2, now.s2, "two"]];
  return (
    <>
      <AxisX scale={x} y={base} count={narrow ? 5 : 9} label={<V>x</V>} />
      <Shade points={bell(mean, variance)} base={base} colour="three" />
      <Curve points={bell(mean, variance)} colour="three" wide={3.5} />
      {variance > 0.15 && <Text x={x(mean)} y={(base + y(top(mean, variance))) / 2} colour="three">product</Text>}
      {witnesses.map(([, m, s, colour]) => <Curve points={bell(m, s ** 2)} colour={colour} />)}
      {witnesses.map(([i, m, s, colour]) => {
        const shrink = Math.min(1, TALL / top(m, s ** 2));
        const peak = y(shrink * top(m, s ** 2));
        const side = i === 1 ? -1 : 1; // the knob for the width, on the outer side
        const flank = y(shrink * density(m + s, m, s ** 2));
        return (
          <g>
            <Handle x={x(m + side * s)} y={flank} r={6} colour={colour} axis="across"
              drag={(px) => ({ [`s${i}`]: side * (x.invert(px) - m) })} />
            <Handle x={x(m)} y={peak} colour={colour} axis="across"
              drag={(px) => ({ [`m${i}`]: x.invert(px) })} />
            <Text x={x(m)} y={peak - 16} colour={colour}><V sub={i}>m</V></Text>
          </g>
        );
      })}
    </>
  );
}
