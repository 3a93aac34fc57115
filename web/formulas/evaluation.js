// Measures of two samples in the plane, lists of points [x, y], as in genbook.evaluation.

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const distance = (p, q) => Math.hypot(p[0] - q[0], p[1] - q[1]);
const share = (points, holds) => mean(points.map((point) => (holds(point) ? 1 : 0)));

function moments(points) {
  const [mx, my] = [0, 1].map((axis) => mean(points.map((point) => point[axis])));
  const lost = points.length / (points.length - 1);
  const covariance = (f) => lost * mean(points.map(([x, y]) => f(x - mx, y - my)));
  return { mx, my, xx: covariance((x) => x * x), xy: covariance((x, y) => x * y), yy: covariance((x, y) => y * y) };
}

// The squared Fréchet distance of the bells that are fitted to both. In the plane the trace of the
// root of a matrix follows from its trace and its determinant.
export function frechet(a, b) {
  const [p, q] = [moments(a), moments(b)];
  const product = p.xx * q.xx + 2 * p.xy * q.xy + p.yy * q.yy;
  const determinant = (p.xx * p.yy - p.xy * p.xy) * (q.xx * q.yy - q.xy * q.xy);
  const root = Math.sqrt(product + 2 * Math.sqrt(determinant));
  return (p.mx - q.mx) ** 2 + (p.my - q.my) ** 2 + p.xx + p.yy + q.xx + q.yy - 2 * root;
}

// The squared MMD without bias, with a Gaussian kernel of width h.
export function mmd(a, b, h) {
  const kernel = (p, q) => Math.exp((-0.5 * distance(p, q) ** 2) / h ** 2);
  const mixed = (one, other) => mean(one.map((p) => mean(other.map((q) => kernel(p, q)))));
  const within = (one) => (one.length * mixed(one, one) - 1) / (one.length - 1);
  return within(a) + within(b) - 2 * mixed(a, b);
}

// How far it is from each point to its k-th nearest other point.
const radii = (points, k) => points.map((p) => points.map((q) => distance(p, q)).sort((r, s) => r - s)[k]);

const nearSome = (points, centres, reach) =>
  share(points, (p) => centres.some((centre, i) => distance(p, centre) <= reach[i]));

// The share of samples in a ball around a real point, and of real points in one around a sample.
export const precisionRecall = (samples, real, k) => ({
  precision: nearSome(samples, real, radii(real, k)),
  recall: nearSome(real, samples, radii(samples, k)),
});

// The share of real points whose ball holds a sample.
export function coverage(samples, real, k) {
  const reach = radii(real, k);
  return mean(real.map((centre, i) => (samples.some((p) => distance(p, centre) <= reach[i]) ? 1 : 0)));
}
