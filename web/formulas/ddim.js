// DDIM's times and its step, as in genbook.ddim. A ᾱ is given for each time.

// To the nearest integer; halves go to the even one, as in Python.
function rounded(value) {
  const below = Math.floor(value);
  return value - below === 0.5 ? below + (below % 2) : Math.round(value);
}

// The times T … 0 of so many even steps.
export const timesteps = (T, steps) =>
  Array.from({ length: steps + 1 }, (_, i) => rounded(T * ((steps - i) / steps)));

// The standard deviation of the fresh noise: none at η = 0, that of the chain at η = 1.
export const sigma = (barT, barS, eta) =>
  eta * Math.sqrt(((1 - barS) / (1 - barT)) * (1 - barT / barS));

// One step from x_t to x_s: the predicted x_0, the direction to x_t, and fresh noise.
export function step(xt, eps, barT, barS, eta, noise) {
  const fresh = sigma(barT, barS, eta);
  const x0 = (xt - Math.sqrt(1 - barT) * eps) / Math.sqrt(barT);
  return Math.sqrt(barS) * x0 + Math.sqrt(Math.max(0, 1 - barS - fresh ** 2)) * eps + fresh * noise;
}
