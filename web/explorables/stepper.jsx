// The error of a solver by its number of calls, on the exact flow of a mixture of three bells.
import { density } from "../formulas/gaussians.js";
import { sigmas, walk } from "../formulas/ode.js";
import { Curve, Handle, Text, fixed, scale, steps as spaced } from "../frame/parts.jsx";

const DATA = { weights: [0.3, 0.3, 0.4], means: [-1.8, 0, 1.6], variances: [0.04, 0.04, 0.04] };
const [HIGH, LOW] = [20, 0.05]; // of σ
const CALLS = { euler: 1, heun: 2, rk4: 4, "2m": 1 };
const NAMES = { euler: "Euler", heun: "Heun", rk4: "RK4", "2m": "DPM-Solver++(2M)" };
const COLOURS = { euler: "three", heun: "four", rk4: "one", "2m": "two" };
const COUNTS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64]; // steps that are tried for the curves
const MOST = 64; // calls
const STARTS = spaced(-1.9, 1.9, 10).map((z) => z * HIGH);
const END = 3;
const two = fixed(2);

// Where the flow leads, by so many small steps that nothing is left to see.
const FINE = sigmas(HIGH, LOW, 7, 400);
const exactly = (start) => walk("rk4", start, FINE, DATA);
const GOALS = STARTS.map((start) => exactly(start).at(-1));

function error(solver, steps, rho) {
  const grid = sigmas(HIGH, LOW, rho, steps);
  const off = STARTS.map((start, i) => walk(solver, start, grid, DATA).at(-1) - GOALS[i]);
  return Math.sqrt(off.reduce((sum, value) => sum + value ** 2, 0) / off.length);
}

// The curves depend on ρ alone: they are kept.
const known = new Map();
function curves(rho) {
  if (!known.has(rho)) {
    known.set(rho, Object.keys(CALLS).map((solver) => ({
      solver,
      points: COUNTS.map((n) => [n * CALLS[solver], error(solver, n, rho)]).filter(([calls]) => calls <= MOST),
    })));
  }
  return known.get(rho);
}

const stepsOf = ({ solver, calls }) => Math.max(1, Math.floor(calls / CALLS[solver]));
const found = (now) => error(now.solver, stepsOf(now), now.rho);
const small = (value) => (value >= 0.001 ? value.toFixed(3) : value.toExponential(0).replace("-", "−"));

export const title = "The error of a solver by its calls, on the exact flow";
export const state = { solver: "euler", calls: 8, rho: 7, start: 0.4 };
export const controls = [
  { key: "solver", name: "solver", options: { euler: "Euler", heun: "Heun", rk4: "RK4", "2m": "++(2M)" } },
  { key: "calls", name: "calls of the network", label: "calls", min: 4, max: MOST, step: 4, colour: "ink" },
  { key: "rho", name: "rho", label: <i>ρ</i>, min: 1, max: 12, step: 1, colour: "ink" },
  { key: "start", name: "start of the thick path", label: "thick path", min: -1.9, max: 1.9, step: 0.05, show: two, colour: "one" },
];
export const sizes = { wide: [720, 330], narrow: [340, 520] };

const end = ({ solver, start, ...now }) =>
  walk(solver, start * HIGH, sigmas(HIGH, LOW, now.rho, stepsOf({ solver, ...now })), DATA).at(-1);

export function readout(now) {
  return [
    ["error", small(found(now)), COLOURS[now.solver]],
    ["steps", String(stepsOf(now)), "ink"],
    ["thick path ends at", `${two(end(now))} (exact: ${two(exactly(now.start * HIGH).at(-1))})`, "one"],
  ];
}

export function summary(now) {
  return `${NAMES[now.solver]} with ${now.calls} calls, ${stepsOf(now)} steps, and rho ${now.rho} errs by ${small(found(now))}. ` +
    `The thick path ends at ${two(end(now))}, the exact one at ${two(exactly(now.start * HIGH).at(-1))}.`;
}

const squeeze = (sigma) => sigma ** (1 / 7);
const shrink = (x, sigma) => x / Math.sqrt(1 + sigma ** 2 / 4); // so that all noise levels fit

function Paths({ now, left, right, top, base }) {
  const side = left + 46;
  const t = scale([squeeze(LOW), squeeze(HIGH)], [side + 4, right - 12]);
  const y = scale([-4.4, 4.4], [base, top]);
  const place = (x, sigma) => [t(squeeze(sigma)), y(Math.max(-END * 2, Math.min(END * 2, shrink(x, sigma))))];
  const grid = sigmas(HIGH, LOW, now.rho, stepsOf(now));
  const mine = walk(now.solver, now.start * HIGH, grid, DATA).map((x, i) => place(x, grid[i]));
  const truth = exactly(now.start * HIGH).map((x, i) => place(x, FINE[i])).filter((_, i) => i % 8 === 0);
  const bell = spaced(-END, END, 91).map((x) => [
    side - 60 * DATA.weights.reduce((sum, w, k) => sum + w * density(x, DATA.means[k], DATA.variances[k]), 0), y(x)]);
  return (
    <>
      <path d={`M${side} ${base}V${top}`} stroke="var(--gb-line)" />
      <Curve points={bell} colour="ink" wide={1.5} />
      {STARTS.map((start) => (
        <Curve points={walk(now.solver, start, grid, DATA).map((x, i) => place(x, grid[i]))} colour="muted" wide={1.2} opacity="0.6" />
      ))}
      <Curve points={truth} colour="ink" wide={2} stroke-dasharray="2 4" />
      <Curve points={mine} colour="one" wide={2.5} />
      {mine.length <= 25 && mine.map(([px, py]) => <circle cx={px.toFixed(1)} cy={py.toFixed(1)} r="3.5" fill="var(--gb-one)" />)}
      <Text x={left} y={top - 8} anchor="start" colour="muted" font-size="13">data</Text>
      <Text x={right - 6} y={top - 8} anchor="end" colour="muted" font-size="13">noise</Text>
      <Handle x={t(squeeze(HIGH))} y={place(now.start * HIGH, HIGH)[1]} colour="one" axis="along"
        drag={(_, py) => ({ start: (y.invert(py) * Math.sqrt(1 + HIGH ** 2 / 4)) / HIGH })} />
    </>
  );
}

function Errors({ now, left, right, top, base }) {
  const x = scale([0, 6], [left, right]); // the logarithm of calls, to the base 2
  const y = scale([-5, 0.5], [base, top]); // and of the error, to the base 10
  const place = ([calls, value]) => [x(Math.log2(calls)), y(Math.max(-5, Math.min(0.5, Math.log10(value))))];
  const here = place([stepsOf(now) * CALLS[now.solver], found(now)]);
  return (
    <>
      {[-4, -3, -2, -1, 0].map((power) => (
        <g>
          <path d={`M${left} ${y(power).toFixed(1)}H${right}`} stroke="var(--gb-line)" opacity="0.5" />
          <Text x={left - 6} y={y(power) + 4.5} anchor="end" colour="muted" font-size="13">{power === 0 ? "1" : <>10<tspan dy="-5" font-size="75%">{`−${-power}`}</tspan></>}</Text>
        </g>
      ))}
      {[1, 4, 16, 64].map((calls) => <Text x={x(Math.log2(calls))} y={base + 18} colour="muted" font-size="13">{calls}</Text>)}
      {curves(now.rho).map(({ solver, points }) => (
        <Curve points={points.map(place)} colour={COLOURS[solver]} wide={solver === now.solver ? 3 : 1.4}
          opacity={solver === now.solver ? "1" : "0.55"} />
      ))}
      {curves(now.rho).map(({ solver, points }) => {
        const [px, py] = place(points.at(-1));
        return <Text x={px - 2} y={py + (solver === "2m" ? 16 : -7)} anchor="end" colour={COLOURS[solver]} font-size="13">{solver === "2m" ? "2M" : NAMES[solver]}</Text>;
      })}
      <circle cx={here[0].toFixed(1)} cy={here[1].toFixed(1)} r="6" fill={`var(--gb-${COLOURS[now.solver]})`} stroke="var(--gb-paper)" stroke-width="2" />
      <Text x={left} y={top - 8} anchor="start" colour="muted" font-size="13">error, over calls</Text>
    </>
  );
}

export function draw(now, { width, height, narrow }) {
  return narrow ? (
    <>
      <Paths now={now} left={4} right={width - 4} top={24} base={236} />
      <Errors now={now} left={44} right={width - 14} top={284} base={height - 30} />
    </>
  ) : (
    <>
      <Paths now={now} left={4} right={width / 2 - 6} top={26} base={height - 16} />
      <Errors now={now} left={width / 2 + 48} right={width - 14} top={26} base={height - 30} />
    </>
  );
}
