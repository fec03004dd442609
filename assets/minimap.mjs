// A strip under a picture that is wider than its board: a tick a level, as strong as its error, and the window seen.

import { attribute, html, shown, svg } from "./dom.mjs";
import { followsFront, sizeAt } from "./frame.mjs";
import { largest, strengthOf } from "./sizes.mjs";

export const HEIGHT = 24;
const TICK = { least: 4, each: 3 }; // height by strength

/** Return the strength of every column at step t, the lanes' largest; deepest level first. Pure. */
export function columnStrengths(payload, lanes, t) {
  const columns = Array.from({ length: payload.depth + 1 }, () => []);
  payload.nodes.forEach((node, i) => {
    for (const lane of lanes) columns[node.x].push(sizeAt(payload.lanes[lane], node, i, t));
  });
  const strength = strengthOf(payload);
  return columns.map((sizes) => strength(largest(sizes)));
}

/** Return {start, length} as shares of the picture: what of it a board of a width shows. Pure. */
export function windowOf(view, whole, width) {
  const start = Math.min(Math.max(-view.x / (whole * view.k), 0), 1);
  return { start, length: Math.max(0, Math.min((width - view.x) / (whole * view.k), 1) - start) };
}

/** Return {element, draw(t), renew(payload), place(view, geometry, width)}; `onMove(share)` asks to bring a place into the middle. */
export function createMinimap({ payload, lanes, say, onMove }) {
  const columns = payload.depth + 1;
  const ticks = Array.from({ length: columns }, () => svg("path"));
  const classes = ticks.map((tick) => attribute(tick, "class"));
  const shapes = ticks.map((tick) => attribute(tick, "d"));
  const frame = svg("rect", { class: "minimap-window", y: 1, height: HEIGHT - 2, rx: 4 });
  const picture = svg("svg", { "aria-hidden": "true", height: HEIGHT }, ...ticks, frame);
  const element = html(
    "div",
    { class: "minimap", role: "scrollbar", tabindex: 0, "aria-label": say("stage.minimap"), "aria-orientation": "horizontal" },
    picture,
  );
  element.setAttribute("aria-valuemin", 0);
  element.setAttribute("aria-valuemax", payload.depth);
  const [show, setValue, setText] = [shown(element), attribute(element, "aria-valuenow"), attribute(element, "aria-valuetext")];
  const fronts = () => lanes.map((lane) => payload.lanes[lane]).some((lane) => lane.front && followsFront(lane));
  let front = fronts();
  let [wide, now, seen] = [0, 0, { start: 0, length: 1 }];
  show(false);

  const at = (event) => (event.clientX - element.getBoundingClientRect().left) / (wide || 1);
  let held = null; // where in the window it is held
  element.addEventListener("pointerdown", (event) => {
    event.preventDefault(); // the focus stays where it is, so that keys go on stepping
    element.setPointerCapture(event.pointerId);
    const [share, middle] = [at(event), seen.start + seen.length / 2];
    held = Math.abs(share - middle) <= seen.length / 2 ? share - middle : 0;
    onMove(share - held);
  });
  element.addEventListener("pointermove", (event) => {
    if (held !== null) onMove(at(event) - held);
  });
  for (const end of ["pointerup", "pointercancel"]) element.addEventListener(end, () => (held = null));
  element.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: -1, ArrowRight: 1, PageUp: -1, PageDown: 1 }[event.key];
    if (!way) return;
    event.preventDefault();
    onMove(Math.min(1, Math.max(0, seen.start + seen.length / 2 + (way * seen.length) / 2)));
  });

  function draw(t) {
    now = t;
    if (!wide) return;
    columnStrengths(payload, lanes, t).forEach((strength, column) => {
      const height = TICK.least + TICK.each * strength;
      const lit = front && payload.depth - column === t;
      classes[column](`tick tensor strength${strength}${lit ? " front" : ""}`);
      const width = Math.max(1, Math.min(6, (0.7 * wide) / columns));
      const x = ((column + 0.5) * wide) / columns - width / 2;
      shapes[column](`M${x.toFixed(1)},${HEIGHT - 3}v-${lit ? HEIGHT - 6 : height}h${width.toFixed(1)}V${HEIGHT - 3}z`);
    });
  }

  return {
    element,
    draw,
    /** Other numbers of the same graph: the next drawing shows them. */
    renew(next) {
      payload = next;
      front = fronts();
    },
    /** Follow the board's view; null: nothing to show. It hides where the whole width is seen. */
    place(view, geometry, width) {
      const whole = geometry.columns * geometry.cell?.w;
      const hidden = !view || (whole * view.k <= width + 1 && view.x >= -1 && view.x + whole * view.k <= width + 1);
      show(!hidden);
      if (hidden) return void (wide = 0);
      const first = wide !== width;
      wide = width;
      picture.setAttribute("width", width);
      seen = windowOf(view, whole, width);
      frame.setAttribute("x", seen.start * width);
      frame.setAttribute("width", Math.max(6, seen.length * width));
      const [left, right] = [seen.start, seen.start + seen.length].map((share) =>
        Math.min(columns - 1, Math.floor(share * columns)),
      );
      setValue(String(Math.round((left + right) / 2)));
      setText(say("stage.minimap_window", { from: payload.depth - left, to: payload.depth - right }));
      if (first) draw(now);
    },
  };
}
