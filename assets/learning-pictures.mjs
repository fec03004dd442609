// What was learned: a plane divided between two classes, a table of who is taken for whom, small pictures.

import { html, svg } from "./dom.mjs";

/** Return how a plane is divided, with the test examples on it; `colours` are those of the two classes and the page. */
export function planePicture({ title, told, size, sure, points }, colours) {
  const canvas = html("canvas", { width: size, height: size });
  paint(canvas, size, size, (i) => shade(sure[i] / 100, colours));
  const marks = points.map(([x, y, which]) => {
    const at = `translate(${(x * 300).toFixed(1)} ${((1 - y) * 300).toFixed(1)})`;
    const d = which ? "M0,-6L6,0L0,6L-6,0z" : "M-4.6,0a4.6,4.6 0 1,0 9.2,0a4.6,4.6 0 1,0 -9.2,0z";
    return svg("path", { class: which ? "one" : "zero", d, transform: at });
  });
  const over = svg("svg", { viewBox: "0 0 300 300", role: "img", "aria-label": told }, ...marks);
  return html("section", { class: "panel" }, html("h3", {}, title), html("div", { class: "plane" }, canvas, over));
}

/** Return the colour of a place: that of the likelier class, fainter where it is hardly likelier; the border is sharp. */
export function shade(sure, { zero, one, page }) {
  const share = 0.14 + 0.42 * Math.abs(2 * sure - 1);
  const side = sure >= 0.5 ? one : zero;
  return side.map((channel, i) => Math.round(page[i] + (channel - page[i]) * share));
}

/** Return a table of classes (rows) against the classes given (columns). */
export function confusionTable({ title, rows, columns, names, counts }) {
  const head = html("tr", {}, html("td", {}), ...names.map((name) => html("th", { scope: "col" }, name)));
  const lines = counts.map((row, i) => {
    const whole = Math.max(1, row.reduce((sum, count) => sum + count, 0));
    const cells = row.map((count, j) => {
      const share = Math.round((count / whole) * 100);
      const style = count ? `--share: ${share}%` : null;
      return html("td", { class: count ? (i === j ? "right" : "wrong") : null, style }, count ? String(count) : "");
    });
    return html("tr", {}, html("th", { scope: "row" }, names[i]), ...cells);
  });
  const table = html("table", { class: "confusion" }, html("caption", {}, `${rows} ↓ ${columns} →`), head, ...lines);
  return html("section", { class: "panel" }, html("h3", {}, title), table);
}

/** Return small pictures in a row, and below each what every method takes it for. */
export function pictureTable({ title, pictures, lines }, colours) {
  const heads = pictures.map(({ told, width, height, pixels }) => {
    const canvas = html("canvas", { width, height, role: "img", "aria-label": told });
    paint(canvas, width, height, (i) => mix(colours.page, colours.ink, pixels[i] / 16));
    return html("td", {}, canvas);
  });
  const rows = lines.map(({ name, taken }) =>
    html(
      "tr",
      {},
      html("th", { scope: "row" }, name),
      ...taken.map(({ text, right }) => html("td", { class: right ? null : "miss" }, text)),
    ),
  );
  const table = html("table", { class: "pictures" }, html("tr", {}, html("td", {}), ...heads), ...rows);
  return html("section", { class: "panel wide" }, html("h3", {}, title), table);
}

const mix = (from, to, share) => from.map((channel, i) => Math.round(channel + (to[i] - channel) * share));

function paint(canvas, width, height, colourOf) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i += 1) image.data.set([...colourOf(i), 255], 4 * i);
  context.putImageData(image, 0, 0);
}
