// All edges of a lane: each with what travels on it, or, for large pictures, bundled into one path a sign.

import { attribute, svg } from "./dom.mjs";
import { createEdge, createLines } from "./edge.mjs";
import { sign } from "./frame.mjs";

/** Return {element, tokens, draw(edgeFrames, travel), travel(share), light(name), fade(known), spot(name)}; `onPick(edge)` is called for a clicked edge. */
export const createEdges = (edges, geometry, onPick) =>
  geometry.density === "box" ? bundled(edges, geometry.edges) : separate(edges, geometry, onPick);

const group = (...children) => svg("g", { class: "edges", "aria-hidden": "true" }, ...children);
const touches = (edge, name) => edge.from === name || edge.to === name;

function separate(edges, { edges: shapes, density }, onPick) {
  const list = edges.map((edge, k) => createEdge(edge, shapes[k], density));
  list.forEach(({ element, light }, k) => {
    element.addEventListener("pointerenter", () => light(true));
    element.addEventListener("pointerleave", () => light(false));
    element.addEventListener("click", () => onPick(edges[k]));
  });
  const element = group(...createLines(shapes), ...list.map((edge) => edge.element));
  return {
    element,
    tokens: svg("g", { class: "tokens", "aria-hidden": "true" }, ...list.map(({ token }) => token)),
    draw: (frames, travel) => list.forEach((edge, k) => edge.draw(frames[k], travel)),
    travel: (share) => list.forEach((edge) => edge.travel(share)),
    light: (name) => list.forEach((edge, k) => edge.light(touches(edges[k], name))),
    fade(known) {
      element.toggleAttribute("data-fading", known !== null);
      list.forEach((edge, k) => edge.fade(known && known.has(edges[k].from) && known.has(edges[k].to)));
    },
    spot(name) {
      element.toggleAttribute("data-dimming", name !== null);
      list.forEach((edge, k) => edge.spot(name === null ? null : touches(edges[k], name)));
    },
  };
}

const SIGNS = ["pos", "neg", "zero", "tensor", "bad"];

function bundled(edges, shapes) {
  const joined = (keep) =>
    shapes
      .filter((_, k) => keep(k))
      .map(({ d }) => d)
      .join("");
  const [lit, spotted] = [svg("path", { class: "line lit" }), svg("path", { class: "line lit" })];
  const bundles = SIGNS.map((hue) => svg("path", { class: `feedback ${hue}` }));
  const [setLit, setSpotted, ...setBundles] = [lit, spotted, ...bundles].map((path) => attribute(path, "d"));
  const element = group(...createLines(shapes), ...bundles, spotted, lit);
  let drawn = [];
  return {
    element,
    tokens: null,
    draw(frames) {
      const hues = frames.map(({ live, feedback }) => (live ? sign(feedback) : null));
      if (hues.every((hue, k) => hue === drawn[k])) return; // as in most steps: the paths are long
      drawn = hues;
      SIGNS.forEach((hue, i) => setBundles[i](joined((k) => hues[k] === hue)));
    },
    travel: () => {},
    fade: (known) => element.toggleAttribute("data-fading", known !== null),
    spot(name) {
      element.toggleAttribute("data-dimming", name !== null);
      setSpotted(name === null ? "" : joined((k) => touches(edges[k], name)));
    },
    light: (name) => setLit(joined((k) => touches(edges[k], name))),
  };
}
