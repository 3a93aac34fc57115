// A point in a polygon, its ray to the right, and what the ray counts: corners on the ray included.
import { crossed, edges, meetingX, rayCrossings, windingNumber } from "../formulas/geometry.js";
import { Handle, Text, fixed, scale } from "../frame/parts.jsx";

const SHAPES = {
  crown: [[0, 0], [8, 0], [9, 3], [8, 5], [6, 2], [4, 5], [2, 2], [0, 5]],
  bow: [[0, 0], [5, 3], [8, 1], [10, 6], [5, 3], [1, 6]], // touches itself at [5, 3]
  star: [[5, 6], [8, 0], [1, 4], [9, 4], [2, 0]], // crosses itself
};

export const title = "A point, its ray and a polygon";
export const state = { shape: "crown", x: 0.5, y: 3.5 };
const place = fixed(2);
const spot = { min: -1, max: 10.5, step: 0.25, show: place };
export const controls = [
  { key: "x", name: "x of the point", label: <>place <i>x</i></>, ...spot },
  { key: "y", name: "y of the point", label: <>height <i>y</i></>, ...spot, min: -0.5, max: 6.5 },
  { key: "shape", name: "polygon", options: { crown: "crown", bow: "touches itself", star: "crosses itself" } },
];
export const sizes = { wide: [720, 400], narrow: [340, 210] };

// What the ray meets, from left to right: the place, and what each edge that ends or passes there counts.
function meetings({ x, y, shape }) {
  const found = new Map();
  for (const [a, b] of edges(SHAPES[shape])) {
    const [low, high] = a[1] < b[1] ? [a, b] : [b, a];
    if (low[1] === high[1] || y < low[1] || y > high[1]) continue;
    const at = meetingX(y, a, b);
    if (at <= x) continue;
    const key = at.toFixed(6);
    found.set(key, [...(found.get(key) ?? []), crossed([x, y], a, b)]);
  }
  return [...found].map(([at, counts]) => ({ at: Number(at), counts })).sort((p, q) => p.at - q.at);
}

const sign = (value) => (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(value);
const result = ({ x, y, shape }) => ({
  count: rayCrossings([x, y], SHAPES[shape]),
  closed: rayCrossings([x, y], SHAPES[shape], true),
  winding: windingNumber([x, y], SHAPES[shape]),
});
const parity = (count) => (count % 2 ? "odd: inside" : "even: outside");

export function readout(now) {
  const { count, closed, winding } = result(now);
  return [
    ["crossings", `${count}, ${parity(count)}`, "one"],
    ["winding number", sign(winding), "one"],
    ["both ends counted", `${closed}, ${parity(closed)}`, "two"],
  ];
}

export function summary(now) {
  const { count, closed, winding } = result(now);
  const corners = meetings(now).filter(({ counts }) => counts.length > 1).length;
  return `The ray crosses ${count} edges, ${parity(count)}; the winding number is ${sign(winding)}. ` +
    `It runs into ${corners} corner${corners === 1 ? "" : "s"}. With both ends counted: ${closed}, ${parity(closed)}.`;
}

export function draw(now, { width, height, narrow }) {
  const unit = narrow ? 26 : 54;
  const x = scale([0, 1], [(width - 10 * unit) / 2, (width - 10 * unit) / 2 + unit]);
  const y = scale([0, 1], [(height + 6 * unit) / 2, (height + 6 * unit) / 2 - unit]);
  const at = ([px, py]) => `${x(px).toFixed(1)} ${y(py).toFixed(1)}`;
  const polygon = SHAPES[now.shape];
  const inside = result(now).count % 2;
  const ray = y(now.y);
  return (
    <>
      <path d={`M${polygon.map(at).join("L")}Z`} fill="var(--gb-one)" fill-rule="evenodd" opacity="0.14" />
      {edges(polygon).map(([a, b]) => {
        const counts = crossed([now.x, now.y], a, b);
        return <path d={`M${at(a)}L${at(b)}`} stroke={`var(--gb-${counts ? "one" : "ink"})`}
          stroke-width={counts ? 4 : 1.5} stroke-linecap="round" />;
      })}
      {polygon.map((corner) => <circle cx={x(corner[0])} cy={y(corner[1])} r="3" fill="var(--gb-ink)" />)}
      <path d={`M${x(now.x).toFixed(1)} ${ray}H${width - 4}m-8 -5l8 5l-8 5`} stroke="var(--gb-two)"
        stroke-width="2" stroke-linejoin="round" />
      {meetings(now).map(({ at: px, counts }) => (
        <g>
          <rect x={x(px) - 5} y={ray - 5} width="10" height="10" stroke="var(--gb-two)" stroke-width="2"
            fill={`var(--gb-${counts.some(Boolean) ? "two" : "paper"})`} />
          <Text x={x(px)} y={ray - 13} colour="two" font-size={narrow ? 13 : 16} font-weight="600"
            stroke="var(--gb-paper)" stroke-width="4" paint-order="stroke" stroke-linejoin="round">
            {counts.map(sign).join(" ")}
          </Text>
        </g>
      ))}
      <Handle x={x(now.x)} y={ray} colour={inside ? "one" : "ink"}
        drag={(px, py) => ({ x: x.invert(px), y: y.invert(py) })} />
    </>
  );
}
