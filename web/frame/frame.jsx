// The frame of every explorable: its picture, its sliders and buttons, and what it says of itself.
//
// The same function makes the static page (in Node, by build.js) and the living figure (in the
// page, by start): the living one takes over the elements that stand there, and nothing moves.
import { createContext, hydrate } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

// Below this width of the figure the narrow picture is shown (explorables.css has the same number).
const TURN = 560;
const REST = 600; // milliseconds without a change, after which the state is spoken

export const Hand = createContext({ change: () => {}, place: () => [0, 0] });

// The state after changes: numbers on their slider's grid and within its ends. An explorable whose
// parts depend on each other says in `follow` what else changes.
export function settled(it, now, changes) {
  const next = { ...now, ...changes };
  for (const { key, min, max, step } of it.controls) {
    if (step === undefined || !(key in changes)) continue;
    const [low, high] = [min, max].map((end) => (typeof end === "function" ? end(next) : end));
    const steps = Math.round((next[key] - low) / step);
    next[key] = Math.min(high, Math.max(low, Number((low + steps * step).toFixed(9))));
  }
  return { ...next, ...it.follow?.(next, changes) };
}

export function Picture({ it, name, state, alt, change = () => {}, ...more }) {
  const svg = useRef(null);
  const [width, height] = it.sizes[name];
  // From the pointer's place on the screen to the picture's own coordinates.
  const place = (event) => {
    const point = new DOMPoint(event.clientX, event.clientY);
    const { x, y } = point.matrixTransform(svg.current.getScreenCTM().inverse());
    return [x, y];
  };
  return (
    <svg ref={svg} class={`gb-x-picture gb-x-${name}`} viewBox={`0 0 ${width} ${height}`}
      role="img" aria-label={alt} font-size="14" fill="none" {...more}>
      <Hand.Provider value={{ change, place }}>
        {it.draw(state, { width, height, narrow: name === "narrow" })}
      </Hand.Provider>
    </svg>
  );
}

function Control({ of, state, change }) {
  const { key, label, name, min, max, step, options, act, colour, show = String } = of;
  if (act) {
    return <button type="button" class="gb-x-button" onClick={() => change(act(state))}>{label}</button>;
  }
  if (options) {
    return (
      <div class="gb-x-choice" role="group" aria-label={name ?? label}>
        {Object.entries(options).map(([value, text]) => (
          <button type="button" class="gb-x-button" aria-pressed={String(state[key] === value)}
            onClick={() => change({ [key]: value })}>{text}</button>
        ))}
      </div>
    );
  }
  const [low, high] = [min, max].map((end) => (typeof end === "function" ? end(state) : end));
  return (
    <label class="gb-x-range" style={colour && `accent-color:var(--gb-${colour})`}>
      <span style={colour && `color:var(--gb-${colour})`}>{label}</span>
      <input type="range" min={low} max={high} step={step} value={state[key]} aria-label={name ?? label}
        aria-valuetext={show(state[key])} data-key={key}
        onInput={(event) => change({ [key]: Number(event.currentTarget.value) })} />
      <output aria-live="off">{show(state[key])}</output>
    </label>
  );
}

export function Frame({ it, alt }) {
  const [state, setState] = useState(it.state);
  const [fits, setFits] = useState(null); // not yet measured: both pictures stand, CSS shows one
  const [spoken, setSpoken] = useState("");
  const root = useRef(null);
  const change = (changes) => setState((now) => settled(it, now, changes));

  useEffect(() => {
    const watch = new ResizeObserver(([entry]) =>
      setFits(entry.contentRect.width < TURN ? "narrow" : "wide"));
    watch.observe(root.current);
    return () => watch.disconnect();
  }, []);
  useEffect(() => {
    if (state === it.state) return undefined;
    const wait = setTimeout(() => setSpoken(it.summary(state)), REST);
    return () => clearTimeout(wait);
  }, [state]);

  const pictures = fits ? [fits] : ["wide", "narrow"];
  return (
    <div class="gb-x-frame" ref={root}>
      {pictures.map((name) => (
        <Picture key={name} it={it} name={name} state={state} alt={alt} change={change} />
      ))}
      <dl class="gb-x-readout">
        {it.readout(state).map(([name, value, colour]) => (
          <div><dt>{name}</dt><dd style={colour && `color:var(--gb-${colour})`}>{value}</dd></div>
        ))}
      </dl>
      <fieldset class="gb-x-controls" disabled={fits === null}>
        <legend>{it.title}</legend>
        {it.controls.filter(({ when }) => !when || when(state)).map((of) => (
          <Control key={of.key ?? of.name} of={of} state={state} change={change} />
        ))}
        <button type="button" class="gb-x-button gb-x-reset" onClick={() => setState(it.state)}>Reset</button>
      </fieldset>
      <p class="gb-x-spoken" role="status">{spoken}</p>
    </div>
  );
}

// Bring the figure to life that build.js has drawn inside `root`.
export function start(root, it) {
  hydrate(<Frame it={it} alt={root.dataset.alt} />, root);
  root.dataset.live = "";
}
