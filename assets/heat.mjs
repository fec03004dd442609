// A tensor as a small heat map: one path a shade, so that a step changes a few attributes and not hundreds of cells.

export const SHADES = [-4, -3, -2, -1, 1, 2, 3, 4];

/** Return the path of every shade for a tensor entry drawn into a box. */
export function heatPaths(entry, box) {
  const paths = Object.fromEntries(SHADES.map((shade) => [shade, ""]));
  if (!entry?.cells) return paths; // a number, or a tensor that travels as its size alone
  const [rows, columns] = entry.grid;
  const [w, h] = [box.w / columns, box.h / rows];
  entry.cells.forEach((cell, i) => {
    const shade = shadeOf(Number(cell), Number(entry.max));
    if (shade !== 0)
      paths[shade] +=
        `M${f(box.x + (i % columns) * w)},${f(box.y + Math.floor(i / columns) * h)}h${f(w)}v${f(h)}h${f(-w)}z`;
  });
  return paths;
}

/** Return −4…4: the sign and the quarter of the largest entry that a cell lies in. */
export function shadeOf(cell, largest) {
  if (!Number.isFinite(cell)) return cell < 0 ? -4 : 4;
  if (cell === 0 || !(largest > 0)) return 0;
  return Math.sign(cell) * Math.max(1, Math.min(4, Math.ceil((Math.abs(cell) / largest) * 4)));
}

const f = (value) => Math.round(value * 100) / 100;
