// The energy curve that is the scrubber: a range input lies over it.

import { bookmarkTicks } from "./bookmarks.mjs";
import { attribute, html, svg, text } from "./dom.mjs";
import { entry } from "./frame.mjs";
import { methodName } from "./explain.mjs";
import { number } from "./messages.mjs";
import { stepsOf } from "./position.mjs";

// In stage mode the sentence stands beside the curve, and the caption alone tells the step.
const SHAPES = {
  page: { height: 80, top: 28, bottom: 54, ticks: 73, text: 0, flag: { w: 16, h: 16, y: 24, base: 13 } },
  stage: { height: 64, top: 34, bottom: 54, ticks: null, text: 0.42, flag: { w: 22, h: 27, y: 2, base: 22 } },
};
const SIDE = 40;
const THUMB = 24;

/** Return the finite energies of a lane, in order; BP has none. */
const energiesOf = (lane) => (lane.energy ?? []).map((value) => (value === null ? null : Number(value)));

// What is not a number has no place on the curve.
const known = (value) => value !== null && !Number.isNaN(value);

/** Return how the energy goes: "none", "start" (one alone), "broken", "flat", "falls", "rises" or "turns" with the step where it first rises. */
export function trend(energies) {
  const values = energies.filter((value) => value !== null);
  if (values.length < 2) return { kind: values.length ? "start" : "none", step: null };
  if (values.some((value) => !Number.isFinite(value)))
    return { kind: "broken", step: values.findIndex((value) => !Number.isFinite(value)) };
  const rises = (i) => values[i] > values[i - 1] * (1 + 1e-12);
  const falls = (i) => values[i] < values[i - 1] * (1 - 1e-12);
  const steps = values.slice(1).map((_, i) => i + 1);
  const step = steps.find(rises) ?? null;
  if (step === null) return { kind: steps.some(falls) ? "falls" : "flat", step };
  return { kind: steps.some(falls) ? "turns" : "rises", step };
}

/** Return {log, share}: share(value) is 0 at the bottom and 1 at the top; logarithmic where the sizes span a factor of 30. */
export function energyScale(lists) {
  const values = lists.flat().filter((value) => value !== null && Number.isFinite(value) && value >= 0);
  const [most, positive] = [Math.max(...values, 0), values.filter((value) => value > 0)];
  const least = Math.min(...positive, most);
  const log = positive.length > 1 && most / least > 30;
  if (!positive.length) return { log: false, share: () => 0 };
  const floor = Math.max(least, most * 1e-12);
  if (log) return { log, share: (value) => (value > 0 ? clamp(Math.log(value / floor) / Math.log(most / floor)) : 0) };
  return { log, share: (value) => clamp(value / most) };
}

const clamp = (value) => (Number.isFinite(value) ? Math.min(Math.max(value, 0), 1) : 1);

/** Return the steps that carry a label, so that labels never touch. */
export function labelledSteps(steps, width, labelWidth = 58) {
  const room = Math.max(1, Math.floor(width / labelWidth));
  const every = [1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000].find((one) => steps / one <= room) ?? steps;
  const list = [];
  for (let t = 0; t < steps; t += every) list.push(t);
  if (list.length > 1 && steps - list.at(-1) < every * 0.6) list.pop();
  return [...list, steps];
}

/** Draw curve and slider, `resize(width, "page" or "stage")`; `onInput(t)` is called while scrubbing. */
export function createEnergy({ payload, lanes, say, onInput }) {
  const steps = stepsOf(payload);
  const curves = lanes
    .map((index) => ({ lane: payload.lanes[index], energies: energiesOf(payload.lanes[index]) }))
    .map((curve) => ({ ...curve, trend: trend(curve.energies) }))
    .filter(({ lane }) => lane.method !== "bp");
  const { log, share } = energyScale(curves.map(({ energies }) => energies));
  const picture = svg("svg", { class: "energy-curve", "aria-hidden": "true" });
  const caption = html("p", { class: "energy-caption" });
  const slider = html("input", {
    type: "range",
    class: "scrubber",
    min: 0,
    max: steps,
    step: 1,
    "aria-label": say("stage.step_slider"),
  });
  const element = html("div", { class: "energy" }, html("div", { class: "energy-face" }, picture, caption, slider));
  const [setCaption, setSpoken] = [text(caption), attribute(slider, "aria-valuetext")];
  const flags = svg("g", { class: "flags" });
  let [x, now, head, dots] = [() => 0, 0, null, []];
  let [shape, width, bookmarks] = [SHAPES.page, 0, {}];
  slider.addEventListener("input", () => onInput(Number(slider.value)));

  const y = (value) => shape.bottom - (shape.bottom - shape.top) * share(value);
  function redraw(wide, mode) {
    [width, shape] = [wide, SHAPES[mode]];
    const start = SIDE + Math.round(width * shape.text);
    const inner = Math.max(width - start - SIDE, 10);
    x = (t) => start + (steps ? (t / steps) * inner : 0);
    slider.style.left = `${start - THUMB / 2}px`;
    slider.style.width = `${inner + THUMB}px`;
    head = svg("line", { class: "head", y1: shape.top - 4, y2: shape.bottom + 6 });
    dots = curves.map(() => svg("circle", { class: "dot on", r: 6 }));
    picture.setAttribute("width", width);
    picture.setAttribute("height", shape.height);
    drawFlags();
    picture.replaceChildren(
      svg("line", { class: "rail", x1: start, x2: start + inner, y1: shape.bottom, y2: shape.bottom }),
      ...curves.flatMap((curve, i) => curveParts(curve, i)),
      ...(shape.ticks ? tickParts(inner) : []),
      flags,
      head,
      ...dots,
    );
    draw(now);
  }
  function curveParts({ energies }, i) {
    const points = energies.map((value, t) => (known(value) ? [x(t), y(value)] : null)).filter(Boolean);
    const line = svg("polyline", {
      class: `energy-line line${i}`,
      points: points.map((p) => p.map((v) => v.toFixed(1)).join(",")).join(" "),
    });
    if (steps > 60) return [line];
    // All dots are one shape: each a line of no length with round ends.
    const d = points.map(([px, py]) => `M${px.toFixed(1)},${py.toFixed(1)}h0`).join("");
    return [line, svg("path", { class: "dots", d })];
  }
  function tickParts(inner) {
    return labelledSteps(steps, inner).map((t) => {
      const label = svg("text", { class: "tick", x: x(t), y: shape.ticks, "text-anchor": "middle" });
      label.append(say("stage.tick", { t }));
      return label;
    });
  }
  // A numbered flag at each bookmark; those of one step stand side by side.
  function drawFlags() {
    const { w, h, y: top, base } = shape.flag;
    flags.replaceChildren(
      ...bookmarkTicks(bookmarks, steps).flatMap(({ t, digits }) => {
        const left = Math.max(0, Math.min(x(t), width - 2 - digits.length * (w + 2)));
        return [
          svg("line", { class: "pole", x1: x(t), x2: x(t), y1: top, y2: shape.bottom }),
          ...digits.map((digit, i) => flag(digit, left + i * (w + 2), { w, h, top, base })),
        ];
      }),
    );
  }
  function flag(digit, left, { w, h, top, base }) {
    const label = svg("text", { class: "flag-digit", x: left + w / 2, y: top + base, "text-anchor": "middle" });
    label.append(digit);
    return svg("g", { class: "flag", "data-bookmark": digit }, svg("rect", { x: left, y: top, width: w, height: h, rx: 3 }), label);
  }
  function draw(t) {
    now = t;
    slider.value = t;
    setSpoken(say("stage.step_of", { t, steps }));
    setCaption(captionOf(curves, t, log, say));
    if (!head) return;
    head.setAttribute("x1", x(t));
    head.setAttribute("x2", x(t));
    dots.forEach((dot, i) => {
      const at = Math.min(t, curves[i].energies.length - 1);
      const value = curves[i].energies[at];
      dot.setAttribute("cx", x(at));
      dot.setAttribute("cy", y(known(value) ? value : 0));
      dot.setAttribute("class", known(value) ? "dot on" : "dot");
    });
  }
  return {
    element,
    slider,
    resize: redraw,
    draw,
    /** Show bookmarks {digit: {t}} on the clock. */
    mark(next) {
      bookmarks = next;
      drawFlags();
    },
  };
}

/** Return the sentence over the curve; an energy that is not told, such as one that is asked for, is a dot. */
export function captionOf(curves, t, log, say) {
  if (!curves.length) return say("stage.energy_none");
  return curves
    .map(({ lane, energies, trend: { kind, step } }) => {
      const value = entry(energies, t);
      const slots = {
        method: methodName(lane),
        value: value === null ? "·" : number(value),
        scale: log ? ` ${say("stage.energy_log")}` : "",
        rate: lane.rate,
        step,
      };
      const start = say(curves.length > 1 ? "stage.energy_of" : "stage.energy", slots);
      if (kind === "start" || kind === "none") return start;
      return (
        start + say(kind === "rises" && lane.rate === 1 ? "stage.energy_rises_unit" : `stage.energy_${kind}`, slots)
      );
    })
    .join("; ");
}
