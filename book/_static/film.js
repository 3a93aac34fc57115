// The landing page's film. Each column of digits shows one frame of the sprite below it (see
// landing.css); a wave of steps runs from the left column to the right one. Without this script, or
// with reduced motion, the columns stay as they are: digits at the left, noise at the right end.

const TICK = 110; // milliseconds a step
const HOLD = 18; // ticks that the finished digits stay

for (const film of document.querySelectorAll(".gb-film")) {
  const columns = [...film.querySelectorAll("[role=img] > span")];
  const button = film.querySelector("button");
  const last = Number(film.dataset.last);
  const lag = Number(film.dataset.lag); // steps that a column is behind the one at its left
  const end = Math.ceil(last + lag * (columns.length - 1));
  let step = Number(film.dataset.first); // as the page shows it already
  let timer = 0;

  const draw = () => {
    columns.forEach((column, i) => {
      const frame = Math.round(Math.min(last, Math.max(0, step - lag * i)));
      column.style.setProperty("--frame", frame);
    });
  };
  const tick = () => {
    step = step < end + HOLD ? step + 1 : 0;
    draw();
  };
  const play = (on) => {
    clearInterval(timer);
    timer = on ? setInterval(tick, TICK) : 0;
    button.textContent = on ? "Pause" : "Play";
    film.dataset.playing = String(on);
  };

  button.addEventListener("click", () => play(!timer));
  button.style.visibility = "visible";
  play(!matchMedia("(prefers-reduced-motion: reduce)").matches);
}
