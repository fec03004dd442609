// One edge of a draft, and the identity nodes that levelling would put on it.

import { pathText, pointAt, walk } from "./curve.mjs";
import { attribute, setter, svg } from "./dom.mjs";

const GHOST = { w: 30, h: 24 };

/** Return {element, draw({edge, pieces, gap, selected}), shift(pieces), carry([dx, dy])}; `gap` is 1 where no identity node is needed or shown. */
export function createEditEdge() {
  const line = svg("path", { class: "line" });
  const arrow = svg("path", { class: "arrow", d: "M0,0l-9,-4.5v9z" });
  const hit = svg("path", { class: "hit" });
  const ghosts = svg("g", { class: "ghosts", "aria-hidden": "true" });
  const element = svg("g", {}, line, arrow, hit, ghosts);
  const setPath = setter((d) => {
    line.setAttribute("d", d);
    hit.setAttribute("d", d);
  });
  const [setArrow, setClass] = [attribute(arrow, "transform"), attribute(element, "class")];
  const set = Object.fromEntries(["from", "to", "slot"].map((name) => [name, attribute(element, `data-${name}`)]));
  const setCount = setter((count) => ghosts.replaceChildren(...Array.from({ length: count }, createGhost)));
  let [count, at] = [0, null];

  function shift(pieces) {
    at = pieces;
    setPath(pathText(pieces));
    setArrow(`translate(${pieces.at(-1)[3].join()})`);
    if (!count) return;
    const points = walk(pieces);
    [...ghosts.children].forEach((ghost, i) =>
      ghost.setAttribute("transform", `translate(${pointAt(points, (i + 1) / (count + 1)).join()})`),
    );
  }

  // Between two nodes that move together an edge keeps its form.
  const carry = (by) => element.setAttribute("transform", by ? `translate(${by.join()})` : "");

  return {
    element,
    carry,
    draw({ edge, pieces, gap, selected }) {
      for (const name of ["from", "to", "slot"]) set[name](String(edge[name]));
      setClass(`link${selected ? " chosen" : ""}`);
      carry(null);
      count = Math.max(0, gap - 1);
      if (setCount(count) || pieces !== at) shift(pieces);
    },
    shift,
  };
}

function createGhost() {
  const sign = svg("text", { class: "op", "text-anchor": "middle", y: 5 });
  sign.append("=");
  return svg(
    "g",
    { class: "node identity plain" },
    svg("rect", { class: "card", x: -GHOST.w / 2, y: -GHOST.h / 2, width: GHOST.w, height: GHOST.h, rx: 7 }),
    sign,
  );
}
