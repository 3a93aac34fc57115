// Points, lines and polygons in the plane, as in genbook.geometry. A point is [x, y].

// The signed area that two arrows span.
export const cross = ([ux, uy], [vx, vy]) => ux * vy - uy * vx;

// Whether the ray from a point to the right crosses the edge a b: +1 upwards, −1 downwards, 0 not at
// all. The half-open rule: the lower end of an edge belongs to it, the upper does not. With `closed`
// both do, which is wrong.
export function crossed([x, y], a, b, closed = false) {
  const upwards = b[1] > a[1];
  const [low, high] = upwards ? [a, b] : [b, a];
  const below = closed ? y <= high[1] : y < high[1];
  if (!(low[1] <= y && below)) return 0;
  const left = cross([high[0] - low[0], high[1] - low[1]], [x - low[0], y - low[1]]) > 0;
  if (!left) return 0;
  return upwards ? 1 : -1;
}

// The edges of a polygon, from each corner to the next and from the last to the first.
export const edges = (polygon) => polygon.map((a, i) => [a, polygon[(i + 1) % polygon.length]]);

// How many edges the ray crosses.
export const rayCrossings = (point, polygon, closed = false) =>
  edges(polygon).filter(([a, b]) => crossed(point, a, b, closed) !== 0).length;

// How often the polygon runs around the point, counterclockwise positive.
export const windingNumber = (point, polygon) =>
  edges(polygon).reduce((sum, [a, b]) => sum + crossed(point, a, b), 0);

// Where the height y meets the line through a and b, which is not level.
export const meetingX = (y, a, b) => a[0] + ((y - a[1]) * (b[0] - a[0])) / (b[1] - a[1]);
