// The arithmetic of Gaussians on a line and in the plane, as in genbook.gaussians.

// The density of N(mean, variance) at x.
export const density = (x, mean, variance) =>
  Math.exp((-0.5 * (x - mean) ** 2) / variance) / Math.sqrt(2 * Math.PI * variance);

// N(m1, v1) N(m2, v2) = Z N(mean, variance): the mean, the variance, and the weight Z.
export function product(m1, v1, m2, v2) {
  const variance = 1 / (1 / v1 + 1 / v2);
  const mean = variance * (m1 / v1 + m2 / v2);
  return { mean, variance, weight: density(m2, m1, v1 + v2) };
}

// The second number of a Gaussian in the plane when the first is `value`: its mean and its variance.
export function condition([m1, m2], [[c11, c12], [, c22]], value) {
  return { mean: m2 + (c12 / c11) * (value - m1), variance: c22 - (c12 * c12) / c11 };
}

// E[eps | x_t] where the data are a mixture of bells on a line: each bell says what it would predict,
// and Bayes' rule weighs them.
export function mixtureNoise(x, alphaBar, { weights, means, variances }) {
  let total = 0;
  let sum = 0;
  weights.forEach((weight, k) => {
    const variance = alphaBar * variances[k] + (1 - alphaBar);
    const off = x - Math.sqrt(alphaBar) * means[k];
    const likely = (weight * Math.exp((-0.5 * off ** 2) / variance)) / Math.sqrt(variance);
    total += likely;
    sum += (likely * off) / variance;
  });
  return (Math.sqrt(1 - alphaBar) * sum) / total;
}

// The score of x_t = a x_0 + b ε at a point of the plane, where the data are round bells of one variance.
export function roundScore([x, y], [a, b], { weights, means, variance }) {
  const spread = a * a * variance + b * b;
  let [total, across, along] = [0, 0, 0];
  weights.forEach((weight, k) => {
    const [u, v] = [x - a * means[k][0], y - a * means[k][1]];
    const likely = weight * Math.exp((-0.5 * (u * u + v * v)) / spread);
    total += likely;
    across -= (likely * u) / spread;
    along -= (likely * v) / spread;
  });
  return [across / total, along / total];
}
