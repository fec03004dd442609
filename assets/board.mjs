// The picture: one graph a lane, all with the same positions and one shared view.

import { HEADER } from "./columns.mjs";
import { html } from "./dom.mjs";
import { laneFrame } from "./frame.mjs";
import { columnsOf, fit, leastCell, NUMBER, place, readableHeight } from "./geometry.mjs";
import { createGraph } from "./graph.mjs";
import { measure } from "./measure.mjs";
import { bringIntoView, listenGestures, zoomAbout } from "./viewport.mjs";

const READABLE = 30; // with more nodes than this, overview comes before numbers
const NARROW = 560;
const LEAST = { page: 16 / NUMBER, stage: 24 / NUMBER };
const MOST = { page: 1.25, stage: 2.4 };

/** Return the board: `draw(position, how)`, `resize(size, mode)`, `select(name)`, `fit()`, `zoom(factor)`, `view`, `destroy()`; `needs` is the height its numbers ask for. */
export function createBoard({ payload, lanes, say, family, onSelect, onView }) {
  const several = lanes.length > 1;
  const metrics = measure(payload, family, { marks: several });
  const rows = html("div", { class: "lanes" });
  const element = html("div", { class: "board" }, rows);
  let size = { w: 0, h: 0 };
  let mode = "page";
  let [plan, geometry, graphs, view] = [null, null, [], null];
  let [free, last, selected] = [false, null, null];

  const stop = listenGestures(rows, {
    get: () => view,
    set: (next) => {
      free = true;
      show(next);
    },
    done: settle,
  });

  const laneHeight = () => size.h / lanes.length;
  const area = () => ({ w: size.w, h: laneHeight() - HEADER });

  // Overview asks for everything at once; otherwise small or narrow pictures keep their numbers and are panned.
  function fitAll(overview = false) {
    free = false;
    const read = !overview && (size.w < NARROW || mode === "stage" || payload.nodes.length <= READABLE);
    plan = fit(payload, area(), metrics, {
      densest: several ? "compact" : "full",
      least: LEAST[mode],
      most: MOST[mode],
      read,
    });
    rebuild();
    show(centred());
    follow();
  }

  function centred() {
    const k = plan.scale;
    const middle = HEADER + area().h / 2;
    return {
      k,
      x: (size.w - geometry.columns * geometry.cell.w * k) / 2,
      y: middle - ((geometry.top + geometry.bottom) / 2) * k,
    };
  }

  function rebuild() {
    geometry = place(payload, plan.density, plan.cell, metrics);
    graphs = lanes.map((lane) =>
      createGraph({
        payload,
        lane,
        geometry,
        metrics,
        say,
        title: several ? laneTitle(payload.lanes[lane]) : "",
        onSelect,
      }),
    );
    rows.replaceChildren(
      ...graphs.map((graph, i) =>
        html("div", { class: "lane", "data-lane": payload.lanes[lanes[i]].method }, graph.element),
      ),
    );
    graphs.forEach((graph) => graph.select(selected));
    if (last) draw(last, {});
  }

  const laneTitle = (lane) =>
    say(lane.symbol === "δ" ? "stage.lane_bp" : "stage.lane", {
      method: { key: `method.${lane.method}` },
      symbol: lane.symbol,
    });

  function show(next) {
    view = next;
    graphs.forEach((graph) => graph.place(view, { w: size.w, h: laneHeight() }));
    onView?.();
  }

  // After a gesture: the richest cards whose numbers are readable at this zoom, every node staying where it is.
  function settle() {
    const cell = { w: geometry.cell.w * view.k, h: geometry.cell.h * view.k };
    const density = densityFor(cell);
    if (density === geometry.density) return;
    const least = leastCell(density, metrics);
    const scale = Math.min(MOST[mode], cell.w / least.w, cell.h / least.h);
    plan = { density, scale, cell: { w: cell.w / scale, h: cell.h / scale } };
    rebuild();
    show({ ...view, k: scale });
  }

  function densityFor(cell) {
    const open = several ? ["compact", "tall"] : ["full", "slim", "compact", "tall"];
    return (
      open.find((one) => {
        const least = leastCell(one, metrics);
        return cell.w >= least.w * LEAST[mode] - 0.01 && cell.h >= least.h * LEAST[mode] - 0.01;
      }) ?? "box"
    );
  }

  // When not all columns fit, keep the front (or the selected node) in sight.
  function follow() {
    if (free || !view || geometry.columns * geometry.cell.w * view.k <= size.w + 1) return;
    const column = columnToFollow();
    if (column === null) return;
    const width = geometry.cell.w * view.k;
    const next = bringIntoView(view, [view.x + column * width, view.x + (column + 1) * width], size.w);
    const x = Math.min(0, Math.max(next.x, size.w - geometry.columns * width));
    if (x !== view.x) show({ ...next, x });
  }

  function columnToFollow() {
    const front = last?.frames.find((frame) => frame.front !== null && frame.front < geometry.columns)?.front ?? null;
    if (front !== null) return Math.max(0, columnsOf(payload) - 1 - front);
    return payload.nodes.find((node) => node.name === (selected ?? payload.output))?.x ?? null;
  }

  function draw({ t, phase }, how) {
    const frames = lanes.map((lane) => laneFrame(payload, lane, t, phase));
    last = { t, phase, frames };
    graphs.forEach((graph, i) => graph.draw(frames[i], i ? frames[0] : null, how));
  }

  return {
    element,
    draw(position, how = {}) {
      draw(position, how);
      follow();
    },
    travel: (share) => graphs.forEach((graph) => graph.travel(share)),
    get messages() {
      return geometry !== null && geometry.density !== "box";
    },
    resize(next, nextMode) {
      const same = next.w === size.w && next.h === size.h && nextMode === mode;
      [size, mode] = [next, nextMode];
      if (same || size.w < 10 || size.h < 10) return;
      if (free && view) show(view);
      else fitAll();
    },
    select(name) {
      selected = name;
      graphs.forEach((graph) => graph.select(name));
      follow();
    },
    fit: fitAll,
    zoom(factor) {
      free = true;
      show(zoomAbout(view, [size.w / 2, area().h / 2 + HEADER], factor));
      settle();
    },
    needs: payload.nodes.length > READABLE ? 0 : lanes.length * (readableHeight(payload, metrics) + HEADER),
    get view() {
      return free ? { ...view, plan } : null;
    },
    restore(saved) {
      if (!saved) return;
      [free, plan] = [true, saved.plan];
      rebuild();
      show({ x: saved.x, y: saved.y, k: saved.k });
    },
    destroy: stop,
  };
}
