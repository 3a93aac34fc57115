// The variance preserving process and its steps, as in genbook.sde and genbook.paths.VP.
const FIRST = 0.1;
const LAST = 20; // β runs from the first to the last in a straight line

const beta = (t) => FIRST + t * (LAST - FIRST);

// a and b of x_t = a x_0 + b ε.
export function rates(t) {
  const logA = -(t * t * (LAST - FIRST) / 4 + t * FIRST / 2);
  return [Math.exp(logA), Math.sqrt(-Math.expm1(2 * logA))];
}

// f and g of dx = f x dt + g dw.
export const process = (t) => [-beta(t) / 2, Math.sqrt(beta(t))];

// One step of Euler–Maruyama down, from t to s < t, with the dial η.
export function down(x, score, t, s, eta, noise) {
  const h = t - s;
  const [f, g] = process(t);
  const mean = x - h * (f * x - ((1 + eta * eta) / 2) * g * g * score);
  return s === 0 ? mean : mean + eta * g * Math.sqrt(h) * noise;
}

// One step up, from s to t > s.
export function up(x, score, s, t, eta, noise) {
  const h = t - s;
  const [f, g] = process(s);
  return x + h * (f * x - ((1 - eta * eta) / 2) * g * g * score) + eta * g * Math.sqrt(h) * noise;
}
