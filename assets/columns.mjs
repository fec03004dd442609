// The level columns behind the nodes, in screen units so that their words keep their size.

import { attribute, svg, text } from "./dom.mjs";

export const HEADER = 26;

/** Return {back, heads, draw(front), place(view, size)}. The words grow with the height of the header. */
export function createColumns(payload, geometry, say, title, header = HEADER) {
  const scale = header / HEADER;
  const depth = geometry.columns - 1;
  const list = Array.from({ length: geometry.columns }, (_, column) => {
    const rect = svg("rect", { class: "column", rx: 10, y: header });
    const head = svg("text", { class: "level", y: header - 8, "text-anchor": "middle" });
    const level = depth - column;
    return {
      level,
      rect,
      head,
      width: 0,
      setRect: attribute(rect, "class"),
      setHead: attribute(head, "class"),
      setText: text(head),
    };
  });
  const band = svg("rect", { class: "band", x: -2, y: -2, height: header + 2 });
  const name = title ? svg("text", { class: "lane-title", x: 2, y: header - 7 }) : null;
  name?.append(title);
  const heads = svg("g", { class: "heads", "aria-hidden": "true" }, band, ...list.map((one) => one.head), name);
  let front = null;

  const draw = () =>
    list.forEach((one) => {
      const place = front === null ? "plain" : one.level === front ? "front" : one.level < front ? "passed" : "ahead";
      one.setRect(`column ${place}`);
      one.setHead(`level ${place}`);
      one.setText(one.covered ? "" : headText({ level: one.level, width: one.width / scale }, place, say));
    });

  return {
    back: svg("g", { class: "columns", "aria-hidden": "true" }, ...list.map((one) => one.rect)),
    heads,
    draw(next) {
      front = next;
      draw();
    },
    place(view, size) {
      band.setAttribute("width", size.w + 4);
      const inset = Math.max(2, (geometry.cell.w - geometry.width - 40) / 2) * view.k;
      list.forEach((one, column) => {
        const x = view.x + column * geometry.cell.w * view.k;
        one.width = geometry.cell.w * view.k;
        one.covered = title && x + one.width / 2 < (60 + title.length * 9) * scale;
        one.rect.setAttribute("x", x + inset);
        one.rect.setAttribute("width", Math.max(1, one.width - 2 * inset));
        one.rect.setAttribute("height", Math.max(1, size.h - header - 1));
        one.head.setAttribute("x", x + one.width / 2);
      });
      draw();
    },
  };
}

function headText(one, place, say) {
  if (one.width < 24) return place === "front" ? String(one.level) : "";
  if (one.width < 76) return String(one.level);
  if (place === "front" && one.width > 120) return say("stage.level_front", { level: one.level });
  return say("stage.level", { level: one.level });
}
