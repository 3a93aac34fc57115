// Noise schedules, as in genbook.schedules: arrays are indexed by t itself, entry 0 says "no noise".

const line = (start, end, T) =>
  Array.from({ length: T }, (_, i) => start + ((end - start) * i) / Math.max(1, T - 1));

// β_1 … β_T rise linearly.
export const linear = (T, start, end) => [0, ...line(start, end, T)];

// Their square roots rise linearly.
export const scaledLinear = (T, start, end) =>
  [0, ...line(Math.sqrt(start), Math.sqrt(end), T).map((root) => root ** 2)];

// ᾱ_t follows a squared cosine.
export function cosine(T, s = 0.008, maxBeta = 0.999) {
  const f = (t) => Math.cos(((t / T + s) / (1 + s)) * (Math.PI / 2)) ** 2;
  return [0, ...Array.from({ length: T }, (_, i) => Math.min(maxBeta, 1 - f(i + 1) / f(i)))];
}

// ᾱ_t, the product of 1 − β_1 to 1 − β_t.
export function alphaBars(betas) {
  let product = 1;
  return betas.map((beta) => (product *= 1 - beta));
}

// λ = log(ᾱ / (1 − ᾱ)), the logarithm of the signal-to-noise ratio, and back.
export const logSnr = (alphaBar) => Math.log(alphaBar) - Math.log1p(-alphaBar);
export const alphaBarOf = (lambda) => 1 / (1 + Math.exp(-lambda));

// ᾱ_0 … ᾱ_T of a schedule whose log-SNR is a straight line between the given values at the given times.
export function bent(times, lambdas, T) {
  const at = (t) => {
    const i = Math.max(1, times.findIndex((time) => time >= t));
    const share = (t - times[i - 1]) / (times[i] - times[i - 1]);
    return lambdas[i - 1] + share * (lambdas[i] - lambdas[i - 1]);
  };
  return Array.from({ length: T + 1 }, (_, t) => (t === 0 ? 1 : alphaBarOf(at(t))));
}
