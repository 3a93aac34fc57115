// What pictures are drawn with: curves, axes, letters, and handles that can be dragged.
import { ticks } from "d3-array";
import { area, line } from "d3-shape";
import { useContext, useRef } from "preact/hooks";

import { Hand } from "./frame.jsx";

// Numbers as they are shown, with a minus sign that is as wide as a plus.
export const fixed = (digits) => (value) => {
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
};

// `count` numbers from `low` to `high`.
export const steps = (low, high, count) =>
  Array.from({ length: count }, (_, i) => low + ((high - low) * i) / (count - 1));

// The straight map from numbers [a, b] to places [p, q] in the picture, and back.
export function scale([a, b], [p, q]) {
  const there = (value) => p + ((value - a) * (q - p)) / (b - a);
  return Object.assign(there, {
    invert: (place) => a + ((place - p) * (b - a)) / (q - p),
    range: [p, q],
    ticks: (count) => ticks(a, b, count),
  });
}

const path = (points) => line().digits(1)(points);

// A line through points [[x, y], …] of the picture.
export function Curve({ points, colour = "ink", wide = 2.5, ...more }) {
  return <path d={path(points)} stroke={`var(--gb-${colour})`} stroke-width={wide}
    stroke-linejoin="round" stroke-linecap="round" {...more} />;
}

// The area between such a line and the height `base`.
export function Shade({ points, base, colour = "ink", opacity = 0.18 }) {
  const shape = area().digits(1).x((p) => p[0]).y0(base).y1((p) => p[1]);
  return <path d={shape(points)} fill={`var(--gb-${colour})`} opacity={opacity} />;
}

export function Text({ x, y, colour = "ink", anchor = "middle", children, ...more }) {
  return <text x={x} y={y} fill={`var(--gb-${colour})`} text-anchor={anchor} {...more}>{children}</text>;
}

// A letter with an index, as in formulas, at the end of a text: <V sub="t">x</V>.
export function V({ children, sub }) {
  return (
    <>
      <tspan font-style="italic">{children}</tspan>
      {sub !== undefined && <tspan dy="4" font-size="75%">{sub}</tspan>}
    </>
  );
}

// A horizontal axis at the height y, with ticks where the scale has round numbers.
export function AxisX({ scale, y, count = 7, label, show = (value) => String(value).replace("-", "−") }) {
  const [left, right] = scale.range;
  return (
    <g>
      <path d={`M${left} ${y}H${right}`} stroke="var(--gb-line)" />
      {scale.ticks(count).map((value) => (
        <g transform={`translate(${scale(value).toFixed(2)} ${y})`}>
          <path d="M0 0V5" stroke="var(--gb-line)" />
          <Text x={0} y={20} colour="muted" font-size="13">{show(value)}</Text>
        </g>
      ))}
      {label && <Text x={right} y={y - 8} colour="muted" anchor="end">{label}</Text>}
    </g>
  );
}

export function AxisY({ scale, x, right, count = 4, label, gap = 8, show = (value) => String(value).replace("-", "−") }) {
  const [bottom, top] = scale.range;
  return (
    <g>
      {scale.ticks(count).map((value) => (
        <g transform={`translate(${x} ${scale(value).toFixed(2)})`}>
          <path d={`M0 0H${right - x}`} stroke="var(--gb-line)" opacity="0.5" />
          <Text x={-gap} y={4.5} colour="muted" anchor="end" font-size="13">{show(value)}</Text>
        </g>
      ))}
      {label && <Text x={x} y={top - 10} colour="muted" anchor="start">{label}</Text>}
      <path d={`M${x} ${bottom}V${top}`} stroke="var(--gb-line)" />
    </g>
  );
}

// A knob to drag. `drag(x, y)` gets the place in the picture and returns what changes in the state.
// It is for pointers (a finger on it does not scroll the page); the same quantity has a slider,
// which is for keys and for screen readers.
export function Handle({ x, y, drag, colour = "ink", r = 9, axis = "both" }) {
  const { change, place } = useContext(Hand);
  const grip = useRef(null); // where the knob was taken hold of
  const down = (event) => {
    const [px, py] = place(event);
    grip.current = [x - px, y - py];
    event.currentTarget.setPointerCapture(event.pointerId);
  };
  const move = (event) => {
    if (!grip.current) return;
    const [px, py] = place(event);
    change(drag(px + grip.current[0], py + grip.current[1]));
  };
  const up = () => { grip.current = null; };
  return (
    <g class={`gb-x-handle gb-x-${axis}`} transform={`translate(${x.toFixed(2)} ${y.toFixed(2)})`}
      onPointerDown={down} onPointerMove={move} onPointerUp={up} onPointerCancel={up}
      onTouchStart={(event) => event.preventDefault()}>
      <circle r={Math.max(22, r)} fill="transparent" />
      <circle r={r + 5} fill={`var(--gb-${colour})`} opacity="0.22" class="gb-x-halo" />
      <circle r={r} fill={`var(--gb-${colour})`} stroke="var(--gb-paper)" stroke-width="2.5" />
    </g>
  );
}

// A grey picture of width × height values in [−1, 1], row by row, as a bitmap file in a data address.
export function greys(values, width, height) {
  const row = Math.ceil((3 * width) / 4) * 4;
  const bytes = new Uint8Array(54 + row * height);
  const view = new DataView(bytes.buffer);
  bytes.set([0x42, 0x4d]);
  [[2, bytes.length], [10, 54], [14, 40], [18, width], [22, height]].forEach(([at, n]) => view.setUint32(at, n, true));
  view.setUint16(26, 1, true);
  view.setUint16(28, 24, true);
  values.forEach((value, i) => {
    const grey = Math.round((Math.min(1, Math.max(-1, value)) + 1) * 127.5);
    const above = height - 1 - Math.floor(i / width); // bitmaps begin at the bottom
    bytes.fill(grey, 54 + above * row + 3 * (i % width), 57 + above * row + 3 * (i % width));
  });
  return `data:image/bmp;base64,${btoa(String.fromCharCode(...bytes))}`;
}

export function Pixels({ values, width, height, x, y, scale: size, ...more }) {
  return <image href={greys(values, width, height)} x={x} y={y} width={width * size} height={height * size}
    preserveAspectRatio="none" style="image-rendering:pixelated" {...more} />;
}
