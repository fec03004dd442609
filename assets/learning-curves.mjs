// Curves by update, one panel each: drawn again as a whole when they grow, which costs a few milliseconds.

import { html, svg } from "./dom.mjs";
import { placeAt, roundMarks, scaleOf, settled } from "./learning-scale.mjs";

const HEIGHT = 210;
const [LEFT, RIGHT, TOP, BOTTOM] = [46, 18, 8, 40]; // half of a number of updates stands beyond the right end
const MARKS = {
  circle: "M-4.5,0a4.5,4.5 0 1,0 9,0a4.5,4.5 0 1,0 -9,0z",
  square: "M-4,-4h8v8h-8z",
  diamond: "M0,-5.5L5.5,0L0,5.5L-5.5,0z",
  cross: "M-1.5,-5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5v-3h3.5z",
  bar: "M-5,-1.5h10v3h-10z",
};
const MARK_OF = { bp: "circle", zil: "square", pc: "diamond", fixed: "cross", unlevelled: "bar" };

/** Return a panel of curves: {element, draw(panel, width)}. Pointing at an update tells every curve's value there. */
export function createCurves() {
  const title = html("h3", {});
  const legend = html("div", { class: "legend" });
  const picture = svg("svg", { class: "curves", height: HEIGHT, role: "img" });
  const element = html("section", { class: "panel" }, title, legend, picture);
  let [latest, wide, pointed] = [null, 0, null];
  picture.addEventListener("pointermove", (event) => {
    const left = picture.getBoundingClientRect().left;
    pointed = ((event.clientX - left - LEFT) / (wide - LEFT - RIGHT)) * latest.most;
    redraw();
  });
  picture.addEventListener("pointerleave", () => {
    pointed = null;
    redraw();
  });
  function redraw() {
    const inner = { w: wide - LEFT - RIGHT, h: HEIGHT - TOP - BOTTOM };
    const values = latest.scale === "part" ? settled(latest.lines) : latest.lines.flatMap((line) => line.y);
    const scale = scaleOf(latest.scale, values);
    const x = (update) => LEFT + (update / latest.most) * inner.w;
    const y = (value) => TOP + inner.h * (1 - Math.min(Math.max(scale.share(value), -0.5), 1));
    title.textContent = latest.title;
    legend.replaceChildren(...latest.lines.map((line) => legendEntry(line, pointed)));
    picture.setAttribute("width", wide);
    picture.setAttribute("aria-label", latest.told);
    picture.replaceChildren(
      clip(inner),
      ...scale.ticks.map((tick) => tickParts(TOP + inner.h * (1 - tick.at), tick.label, inner.w)).flat(),
      ...roundMarks(latest.most, inner.w / 56).map((mark) => label(x(mark), HEIGHT - 22, String(mark), "middle")),
      label(LEFT + inner.w / 2, HEIGHT - 5, latest.along, "middle"),
      svg("g", { "clip-path": "url(#inside)" }, ...latest.lines.map((line) => curve(line, x, y, latest.marks))),
      ...(pointed === null ? [] : [svg("line", { class: "pointed", x1: x(clamp(pointed)), x2: x(clamp(pointed)), y1: TOP, y2: TOP + inner.h })]),
    );
  }
  const clamp = (update) => Math.min(Math.max(update, 0), latest.most);
  return {
    element,
    draw(panel, width) {
      [latest, wide] = [panel, Math.max(width, 160)];
      redraw();
    },
  };
}

const clip = ({ w, h }) =>
  svg("clipPath", { id: "inside" }, svg("rect", { x: LEFT - 6, y: TOP - 6, width: w + 12, height: h + 12 }));

function tickParts(at, text, w) {
  return [svg("line", { class: "grid", x1: LEFT, x2: LEFT + w, y1: at, y2: at }), label(LEFT - 8, at + 4, text, "end")];
}

const label = (x, y, text, anchor) => svg("text", { x, y, "text-anchor": anchor }, text);

function curve({ look, x: updates, y: values }, x, y, marks) {
  const points = updates.map((update, i) => [x(update), y(values[i])]);
  const path = points.map(([a, b], i) => `${i ? "L" : "M"}${f(a)},${f(b)}`).join("");
  const dots = marks || points.length === 1 ? points : [];
  return svg(
    "g",
    { class: `line ${look}` },
    svg("path", { d: path, fill: "none" }),
    ...dots.map(([a, b]) => svg("path", { class: "mark", d: MARKS[MARK_OF[look]], transform: `translate(${f(a)} ${f(b)})` })),
  );
}

function legendEntry(line, pointed) {
  const sample = svg("svg", { width: 34, height: 12, "aria-hidden": "true" });
  sample.append(
    svg(
      "g",
      { class: `line ${line.look}` },
      svg("path", { d: "M1,6H33", fill: "none" }),
      svg("path", { class: "mark", d: MARKS[MARK_OF[line.look]], transform: "translate(17 6)" }),
    ),
  );
  const value = pointed === null || !line.x.length ? "" : ` ${line.texts[placeAt(line.x, pointed)]}`;
  return html("span", {}, sample, `${line.name}${value}`);
}

const f = (value) => Math.round(value * 10) / 10;
