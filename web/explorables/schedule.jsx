// A noise schedule bent by hand: its log-SNR over time, and under each time the digits as they are then.
import data from "../data/digits.json";
import { qSample } from "../formulas/ddpm.js";
import { alphaBars, bent, cosine, linear, logSnr, scaledLinear } from "../formulas/schedules.js";
import { AxisY, Curve, Handle, Pixels, Text, V, fixed, scale } from "../frame/parts.jsx";

const T = 1000;
const KNOTS = [1, 250, 500, 750, T];
const END = 12; // of the axis of log-SNR
const GAP = 0.1; // the least fall from one knot to the next
const one = fixed(1);
const keys = KNOTS.map((_, i) => `l${i}`);
const kinds = {
  linear: alphaBars(linear(T, 1e-4, 0.02)),
  cosine: alphaBars(cosine(T)),
  scaled: alphaBars(scaledLinear(T, 0.00085, 0.012)),
};
const images = data.images.map((image) => image.map((ink) => ink / 8 - 1));

// The knots of a schedule, on the sliders' grid and within their ends.
const knots = (bars) => Object.fromEntries(KNOTS.map((t, i) =>
  [keys[i], Number(Math.min(END - i * GAP, Math.max(-END + (4 - i) * GAP, logSnr(bars[t]))).toFixed(1))]));

export const title = "A noise schedule to bend";
export const state = { kind: "linear", ...knots(kinds.linear) };
export const controls = [
  { key: "kind", name: "schedule", options: { linear: "linear", cosine: "cosine", scaled: "scaled linear" } },
  ...KNOTS.map((t, i) => ({
    key: keys[i], name: `log-SNR at time ${t}`, label: <>at <i>t</i> = {t}</>, colour: "one", show: one,
    min: -END + (4 - i) * GAP, max: END - i * GAP, step: GAP,
  })),
];
export const sizes = { wide: [720, 410], narrow: [340, 370] };

// A kind has its knots; who moves a knot leaves the kind, and takes the others along.
export function follow(now, changes) {
  if ("kind" in changes) return knots(kinds[changes.kind]);
  const moved = keys.findIndex((key) => key in changes);
  const pushed = { kind: "own" };
  keys.forEach((key, i) => {
    const most = Number((now[keys[moved]] + (moved - i) * GAP).toFixed(1));
    pushed[key] = i < moved ? Math.max(now[key], most) : Math.min(now[key], most);
  });
  return pushed;
}

const bars = (now) => kinds[now.kind] ?? bent(KNOTS, keys.map((key) => now[key]), T);
// The share of the steps at which both signal and noise are to be seen.
const inBand = (all) => all.filter((bar) => Math.abs(logSnr(bar)) < 4).length / T;

export function readout(now) {
  const all = bars(now);
  return [
    [<>signal at the end <i>a<sub>T</sub></i></>, fixed(4)(Math.sqrt(all[T])), "one"],
    ["steps in the band", `${fixed(0)(100 * inBand(all))} %`, "three"],
  ];
}

export function summary(now) {
  const all = bars(now);
  const kind = { linear: "The linear schedule", cosine: "The cosine schedule", scaled: "The scaled linear schedule" };
  return `${kind[now.kind] ?? "Your schedule"} leaves a signal of ${fixed(4)(Math.sqrt(all[T]))} at the end. ` +
    `In ${fixed(0)(100 * inBand(all))} per cent of the steps both signal and noise are to be seen.`;
}

export function draw(now, { width, height, narrow }) {
  const all = bars(now);
  const left = 44;
  const columns = narrow ? 5 : 8;
  const cell = (width - left - 12) / columns;
  const size = narrow ? 6 : 8.5;
  const film = height - 34 - 16 * size;
  const x = scale([0, T], [left, width - 12]);
  const y = scale([-END, END], [film - 14, 26]);
  const line = all.slice(1).map((bar, i) => [x(i + 1), y(logSnr(bar))])
    .filter((_, i) => i % 10 === 0 || i === T - 1)
    .map(([px, py]) => [px, Math.min(py, y(-END))]);
  const times = Array.from({ length: columns }, (_, i) => Math.round((T * (i + 0.5)) / columns));
  return (
    <>
      <rect x={left} width={x(T) - left} y={y(4)} height={y(-4) - y(4)} fill="var(--gb-three)" opacity="0.12" />
      <AxisY scale={y} x={left} right={x(T)} count={5} gap={16} />
      <Text x={left - (narrow ? 40 : 0)} y={14} anchor="start" colour="muted" font-size="13">log-SNR. In the band both image and noise are to be seen.</Text>
      {times.map((t) => (
        <path d={`M${x(t)} ${y(END)}V${film - 6}`} stroke="var(--gb-line)" stroke-dasharray="1 4" />
      ))}
      <Curve points={line} colour="one" wide={3} />
      {times.map((t) => {
        return (
          <g>
            {images.map((image, i) => (
              <Pixels values={qSample(all[t], image, data.noise[i])} width={8} height={8}
                x={x(t) - 4 * size} y={film + i * (8 * size + 6)} scale={size} />
            ))}
            <Text x={x(t)} y={height - 8} colour="muted" font-size="13">{t}</Text>
          </g>
        );
      })}
      <Text x={left - 8} y={height - 8} colour="muted" anchor="end"><V>t</V></Text>
      {KNOTS.map((t, i) => (
        <Handle x={x(t)} y={y(now[keys[i]])} colour="one" r={8} axis="along"
          drag={(_, py) => ({ [keys[i]]: y.invert(py) })} />
      ))}
    </>
  );
}
