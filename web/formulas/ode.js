// The flow of a mixture of bells in the clock σ, and the solvers that walk it, as in genbook.ode.
import { mixtureNoise } from "./gaussians.js";

// dx/dσ = E[eps | x] for x = x_0 + σ eps. On the scale of a chain that is x / √(1 + σ²).
export function slope(x, sigma, data) {
  const bar = 1 / (1 + sigma ** 2);
  return mixtureNoise(Math.sqrt(bar) * x, bar, data);
}

// So many steps from σ = high down to low, even in the ρ-th root of σ.
export function sigmas(high, low, rho, steps) {
  const [from, to] = [high ** (1 / rho), low ** (1 / rho)];
  return Array.from({ length: steps + 1 }, (_, i) => (from + ((to - from) * i) / steps) ** rho);
}

const STEPS = {
  euler: (f, x, t, s) => x + (s - t) * f(x, t),
  heun(f, x, t, s) {
    const first = f(x, t);
    return x + ((s - t) / 2) * (first + f(x + (s - t) * first, s));
  },
  rk4(f, x, t, s) {
    const [h, middle] = [s - t, (s + t) / 2];
    const first = f(x, t);
    const second = f(x + (h / 2) * first, middle);
    const third = f(x + (h / 2) * second, middle);
    return x + (h / 6) * (first + 2 * second + 2 * third + f(x + h * third, s));
  },
};

// DPM-Solver++(2M): the data as predicted now, corrected by how the prediction has changed.
function multistep(f, start, grid) {
  const states = [start];
  let before;
  for (let i = 0; i + 1 < grid.length; i += 1) {
    const [x, t, s] = [states[i], grid[i], grid[i + 1]];
    const now = x - t * f(x, t);
    const share = i > 0 ? Math.log(t / s) / (2 * Math.log(grid[i - 1] / t)) : 0;
    const predicted = i > 0 ? now + share * (now - before) : now;
    states.push((s / t) * x + (1 - s / t) * predicted);
    before = now;
  }
  return states;
}

// All states from `start`, one at each σ of the grid.
export function walk(method, start, grid, data) {
  const f = (x, sigma) => slope(x, sigma, data);
  if (method === "2m") return multistep(f, start, grid);
  const states = [start];
  for (let i = 0; i + 1 < grid.length; i += 1) {
    states.push(STEPS[method](f, states[i], grid[i], grid[i + 1]));
  }
  return states;
}
