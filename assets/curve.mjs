// Edge curves: cubic pieces with flat ends, walked by arc length without asking the browser to lay anything out.

/** Return the cubic pieces through points, each flat at both ends. A "flat" pair of points gives a straight piece. */
export function curveThrough(points) {
  const pieces = [];
  for (let i = 1; i < points.length; i += 1) {
    const [[x0, y0], [x1, y1]] = [points[i - 1], points[i]];
    const middle = (x0 + x1) / 2;
    pieces.push([
      [x0, y0],
      [middle, y0],
      [middle, y1],
      [x1, y1],
    ]);
  }
  return pieces;
}

export function pathText(pieces) {
  const f = (value) => Math.round(value * 100) / 100;
  const start = `M${f(pieces[0][0][0])},${f(pieces[0][0][1])}`;
  return start + pieces.map(([, a, b, c]) => `C${[a, b, c].map(([x, y]) => `${f(x)},${f(y)}`).join(" ")}`).join("");
}

/** Return points along the pieces at equal distances: first at the input, last at the user. */
export function walk(pieces, count = 48) {
  const fine = pieces.flatMap((piece, i) => range(i ? 1 : 0, 24).map((k) => cubic(piece, k / 24)));
  const lengths = [0];
  for (let i = 1; i < fine.length; i += 1) {
    lengths.push(lengths[i - 1] + Math.hypot(fine[i][0] - fine[i - 1][0], fine[i][1] - fine[i - 1][1]));
  }
  let at = 0;
  return range(0, count).map((k) => {
    const wanted = (k / count) * lengths.at(-1);
    while (at < fine.length - 2 && lengths[at + 1] < wanted) at += 1;
    const share = (wanted - lengths[at]) / (lengths[at + 1] - lengths[at] || 1);
    return mix(fine[at], fine[at + 1], share);
  });
}

/** Return the point at share u of a walk: 0 at the input, 1 at the user. */
export function pointAt(points, u) {
  const place = Math.min(Math.max(u, 0), 1) * (points.length - 1);
  const i = Math.min(Math.floor(place), points.length - 2);
  return mix(points[i], points[i + 1], place - i);
}

const range = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const mix = (a, b, share) => [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share];

function cubic([a, b, c, d], u) {
  const v = 1 - u;
  const [ka, kb, kc, kd] = [v * v * v, 3 * v * v * u, 3 * v * u * u, u * u * u];
  return [0, 1].map((i) => ka * a[i] + kb * b[i] + kc * c[i] + kd * d[i]);
}
