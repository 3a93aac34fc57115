// The forward chain and its posterior, as in genbook.ddpm.

// x_t = a_t x_0 + b_t eps, pixel by pixel.
export const qSample = (alphaBar, x0, eps) =>
  x0.map((pixel, i) => Math.sqrt(alphaBar) * pixel + Math.sqrt(1 - alphaBar) * eps[i]);

// q(x_{t-1} | x_t, x_0) from ᾱ_t and ᾱ_{t-1}: its mean and variance, and how much each end counts.
export function qPosterior(x0, xt, alphaBar, before) {
  const alpha = alphaBar / before;
  const beta = 1 - alpha;
  const ofX0 = (Math.sqrt(before) * beta) / (1 - alphaBar);
  const ofXt = (Math.sqrt(alpha) * (1 - before)) / (1 - alphaBar);
  return { mean: ofX0 * x0 + ofXt * xt, variance: ((1 - before) / (1 - alphaBar)) * beta, ofX0, ofXt };
}

// The two parabolas of log q(x_t | x_{t-1}) and log q(x_{t-1} | x_0) in x_{t-1}: top and variance.
export function witnesses(x0, xt, alphaBar, before) {
  const alpha = alphaBar / before;
  return {
    present: { mean: xt / Math.sqrt(alpha), variance: (1 - alpha) / alpha },
    past: { mean: Math.sqrt(before) * x0, variance: 1 - before },
  };
}
