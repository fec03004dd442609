// The picture: one graph a lane, all with the same positions and one shared view.

import { HEADER } from "./columns.mjs";
import { html } from "./dom.mjs";
import { createFold } from "./fold.mjs";
import { CARD, moduleNames, placeGroups } from "./folding.mjs";
import { laneFrame } from "./frame.mjs";
import { columnsOf, fit, leastCell, NUMBER, place, readableHeight } from "./geometry.mjs";
import { createGraph } from "./graph.mjs";
import { measure } from "./measure.mjs";
import { createMinimap, HEIGHT as STRIP } from "./minimap.mjs";
import { createShade, neighbourhood } from "./spotlight.mjs";
import { bringIntoView, carried, listenGestures, zoomAbout } from "./viewport.mjs";

const READABLE = 30; // with more nodes than this, overview comes before numbers
const NARROW = 560;
// In stage mode every number is at least 24 px tall: the last row reads it.
const LEAST = { page: 16 / NUMBER, stage: 24 / NUMBER };
const LEAST_FOLDED = { page: 16 / NUMBER, stage: 24 / 15 };
const MOST = { page: 1.25, stage: 2.4 };
const HEADERS = { page: HEADER, stage: 40 };

/** Return the board: `draw(position, how)`, `renew(payload)`, `resize(size, mode)`, `select(name)`, `fit()`, `zoom(factor)`, `view`, `destroy()`; `needs` is the height its numbers ask for. */
export function createBoard({ payload, lanes, say, family, folded = false, onSelect, onHover, onOpen, onView }) {
  const several = lanes.length > 1;
  const sizesOf = (one) => measure(one, family, { marks: several, modules: moduleNames(one) });
  const measured = sizesOf(payload);
  const rows = html("div", { class: "lanes" });
  const minimap = payload.nodes.length > READABLE ? createMinimap({ payload, lanes, say, onMove: moveTo }) : null;
  const element = html("div", { class: "board" }, rows, minimap?.element);
  let size = { w: 0, h: 0 };
  let mode = "page";
  let [metrics, header] = [measured, HEADER];
  let chosen = null; // the view that a person chose, and the board it was chosen on
  let [plan, geometry, graphs, view] = [null, null, [], null];
  let [free, last, selected, marks] = [false, null, null, null];
  let [spotlight, attention] = [false, null]; // whether one node is lit; the node that was asked for at this step
  const shades = lanes.map(() => createShade());
  let accompanies = false; // a module was opened: once the front is in sight, it stays so

  const stop = listenGestures(rows, {
    get: () => view,
    set: (next) => {
      [free, accompanies] = [true, false];
      show(next);
    },
    done: () => {
      settle();
      choose();
    },
  });

  const laneHeight = () => size.h / lanes.length;
  const area = () => ({ w: size.w, h: laneHeight() - header });

  // Overview asks for everything at once; otherwise small or narrow pictures keep their numbers and are panned.
  function fitAll(overview = false) {
    [free, chosen] = [false, null];
    if (folded) return fitFolded();
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

  // Modules are read: a picture that is too high for its lane is panned.
  function fitFolded() {
    plan = null;
    geometry = placeGroups(payload.folded, size.w / LEAST_FOLDED[mode]);
    const top = several ? header : 0;
    const k = Math.max(LEAST_FOLDED[mode], Math.min(MOST[mode], size.w / geometry.w, (laneHeight() - top) / geometry.h));
    rebuild();
    show({ k, x: (size.w - geometry.w * k) / 2, y: top + Math.max(0, (laneHeight() - top - geometry.h * k) / 2) });
    follow();
  }

  // The whole graph, as rich as its numbers are readable with one module in sight.
  function openAt(name) {
    const members = payload.folded.groups.find((group) => group.name === name).members.map((i) => payload.nodes[i]);
    const [xs, ys] = [members.map((node) => node.x), members.map((node) => node.y)];
    const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const room = area().h - STRIP;
    const density = densityFor({ w: size.w / (right - left + 1), h: room / (bottom - top + 1) }, "tall");
    plan = { density, scale: LEAST[mode], cell: leastCell(density, metrics) };
    rebuild();
    const k = plan.scale;
    const middle = { x: ((left + right + 1) / 2) * plan.cell.w, y: ((top + bottom) / 2) * plan.cell.h };
    [free, accompanies] = [true, true];
    show({ k, x: inside(size.w / 2 - middle.x * k, k), y: header + room / 2 - middle.y * k });
    choose();
  }

  // A stored sight: as rich as its numbers are readable with so many columns and rows. In stage mode a little less is seen
  // where that makes numbers readable; an overview stays one.
  function see({ x, y, columns, rows }) {
    const cell = { w: size.w / columns, h: area().h / rows };
    const scaleOf = (one) => Math.min(cell.w / leastCell(one, metrics).w, cell.h / leastCell(one, metrics).h);
    const near = mode === "stage" && scaleOf("tall") * 2 >= LEAST.stage;
    const density = densityFor(cell, near ? "tall" : "box");
    const least = near ? LEAST.stage : 0;
    const raised = Math.max(1, least / scaleOf(density));
    const k = Math.min(MOST[mode], scaleOf(density) * raised);
    Object.assign(cell, { w: cell.w * raised, h: cell.h * raised });
    plan = { density, scale: k, cell: { w: cell.w / k, h: cell.h / k } };
    rebuild();
    show({ k, x: size.w / 2 - x * plan.cell.w * k, y: header + area().h / 2 - y * plan.cell.h * k });
  }

  // The middle of what is seen and how much of it, in columns and rows: the same on a board of any size.
  function sight() {
    const cell = { w: geometry.cell.w * view.k, h: geometry.cell.h * view.k };
    const places = { x: (size.w / 2 - view.x) / cell.w, y: (header + area().h / 2 - view.y) / cell.h };
    return { ...places, columns: size.w / cell.w, rows: area().h / cell.h };
  }

  // From the mini-map: the share of the columns that the middle of the board shows.
  function moveTo(share) {
    [free, accompanies] = [true, false];
    show({ ...view, x: inside(size.w / 2 - share * geometry.columns * geometry.cell.w * view.k, view.k) });
    choose();
  }

  // A picture wider than the board fills it.
  function inside(x, k) {
    const spare = size.w - geometry.columns * geometry.cell.w * k;
    return spare < 0 ? Math.min(0, Math.max(spare, x)) : spare / 2;
  }

  function centred() {
    const k = plan.scale;
    const middle = header + area().h / 2;
    return {
      k,
      x: (size.w - geometry.columns * geometry.cell.w * k) / 2,
      y: middle - ((geometry.top + geometry.bottom) / 2) * k,
    };
  }

  function dress(next) {
    header = HEADERS[next];
    metrics = next === "stage" ? { ...measured, label: measured.message } : measured;
  }

  function rebuild() {
    if (!folded) geometry = place(payload, plan.density, plan.cell, metrics);
    const draw = folded ? createFold : createGraph;
    graphs = lanes.map((lane) =>
      draw({
        payload,
        lane,
        geometry,
        metrics,
        say,
        header,
        title: several ? laneTitle(payload.lanes[lane]) : "",
        onSelect,
        onHover,
        onOpen,
      }),
    );
    rows.replaceChildren(
      ...graphs.map((graph, i) =>
        html("div", { class: "lane", "data-lane": payload.lanes[lanes[i]].method }, graph.element, shades[i].element),
      ),
    );
    graphs.forEach((graph) => graph.select(selected));
    if (marks) mark(marks);
    if (spotlight) light();
    if (last) redraw(last, {});
  }

  function mark(next) {
    marks = next;
    graphs.forEach((graph, i) => graph.mark?.(marks?.(lanes[i]) ?? { traced: null, known: null }));
  }

  // A graph that is folded has no node to light.
  function light() {
    const near = spotlight && !folded ? neighbourhood(payload, selected) : null;
    graphs.forEach((graph) => graph.spot?.(near && { name: selected, near }));
    shade();
  }

  function shade() {
    const lit = spotlight && !folded && view ? payload.nodes.findIndex((node) => node.name === selected) : -1;
    shades.forEach((one) => one.place(lit < 0 ? null : geometry.cards[lit], view));
  }

  const laneTitle = (lane) =>
    say(lane.symbol === "δ" ? "stage.lane_bp" : "stage.lane", {
      method: { key: `method.${lane.method}` },
      symbol: lane.symbol,
    });

  function show(next) {
    view = next;
    graphs.forEach((graph) => graph.place(view, { w: size.w, h: laneHeight() }));
    minimap?.place(folded ? null : view, geometry, size.w);
    if (spotlight) shade();
    onView?.();
  }

  // After a gesture: the richest cards whose numbers are readable at this zoom, every node staying where it is.
  function settle() {
    if (folded) return;
    const cell = { w: geometry.cell.w * view.k, h: geometry.cell.h * view.k };
    const room = area().h - STRIP;
    const density = densityFor(cell);
    if (density === geometry.density) return;
    const least = leastCell(density, metrics);
    const scale = Math.min(MOST[mode], cell.w / least.w, cell.h / least.h);
    plan = { density, scale, cell: { w: cell.w / scale, h: cell.h / scale } };
    rebuild();
    show({ ...view, k: scale });
  }

  const board = () => ({ w: size.w, h: laneHeight(), header });

  function choose() {
    chosen = { ...view, plan, board: board() };
  }

  // A view that was chosen on another board shows as much of the width here, its middle where it was, its numbers readable.
  function recall() {
    if ("columns" in chosen) return see(chosen);
    const { x, y, k, plan: kept, board: there } = chosen;
    plan = kept;
    rebuild();
    show(sameBoard(there, board()) ? { x, y, k } : carried(chosen, board(), plan.density === "box" ? 0 : LEAST[mode]));
    settle();
  }

  function densityFor(cell, otherwise = "box") {
    const open = several ? ["compact", "tall"] : ["full", "slim", "compact", "tall"];
    return (
      open.find((one) => {
        const least = leastCell(one, metrics);
        return cell.w >= least.w * LEAST[mode] - 0.01 && cell.h >= least.h * LEAST[mode] - 0.01;
      }) ?? otherwise
    );
  }

  // When not all columns fit, keep the front (or the selected node) in sight.
  function follow(before = null) {
    if (folded) return followFolded();
    if ((free && !(accompanies && sees(before))) || !view || geometry.columns * geometry.cell.w * view.k <= size.w + 1) return;
    const column = columnToFollow();
    if (column === null) return;
    const width = geometry.cell.w * view.k;
    const next = bringIntoView(view, [view.x + column * width, view.x + (column + 1) * width], size.w);
    const x = Math.min(0, Math.max(next.x, size.w - geometry.columns * width));
    if (x !== view.x) show({ ...next, x });
    if (free) choose();
  }

  function followFolded() {
    const front = last?.frames.find((frame) => frame.front !== null)?.front ?? null;
    const place = payload.folded.groups.findIndex(({ levels }) => levels[0] <= front && front <= levels[1]);
    if (free || !view || place < 0 || geometry.h * view.k <= laneHeight() + 1) return;
    const top = view.y + geometry.cards[place].y * view.k;
    if (top < 0 || top + CARD.h * view.k > laneHeight())
      show({ ...view, y: Math.min(0, Math.max(laneHeight() / 2 - (top - view.y), laneHeight() - geometry.h * view.k)) });
  }

  const sees = (front) => {
    const x = front === null ? NaN : view.x + (columnsOf(payload) - 1 - front) * geometry.cell.w * view.k;
    return x >= 0 && x + geometry.cell.w * view.k <= size.w;
  };

  function columnToFollow() {
    const asked = spotlight ? selected : attention;
    if (asked !== null) return payload.nodes.find((node) => node.name === asked)?.x ?? null;
    const front = last?.frames.find((frame) => frame.front !== null && frame.front < geometry.columns)?.front ?? null;
    if (front !== null) return Math.max(0, columnsOf(payload) - 1 - front);
    return payload.nodes.find((node) => node.name === (selected ?? payload.output))?.x ?? null;
  }

  function redraw({ t, phase }, how) {
    const frames = lanes.map((lane) => laneFrame(payload, lane, t, phase));
    last = { t, phase, frames };
    minimap?.draw(t);
    graphs.forEach((graph, i) => graph.draw(frames[i], i ? frames[0] : null, how));
  }

  return {
    element,
    draw(position, how = {}) {
      const before = last?.frames.find((frame) => frame.front !== null)?.front ?? null;
      if (position.t !== last?.t) attention = null;
      redraw(position, how);
      follow(before);
    },
    /** Take other numbers of the same graph, to be drawn next; false where its picture would be another one. */
    renew(next) {
      if (folded || !sameGraph(payload, next) || !sameSizes(measured, sizesOf(next))) return false;
      payload = next;
      graphs.forEach((graph) => graph.renew(next));
      minimap?.renew(next);
      return true;
    },
    travel: (share) => graphs.forEach((graph) => graph.travel(share)),
    get messages() {
      return !folded && geometry !== null && geometry.density !== "box";
    },
    resize(next, nextMode) {
      const same = next.w === size.w && next.h === size.h && nextMode === mode;
      if (nextMode !== mode) dress(nextMode);
      [size, mode] = [next, nextMode];
      if (same || size.w < 10 || size.h < 10) return;
      if (free && chosen) recall();
      else fitAll();
    },
    select(name) {
      [selected, attention] = [name, name];
      graphs.forEach((graph) => graph.select(name));
      if (spotlight) light();
      follow();
    },
    /** Dim all but the selected node and what lies next to it. */
    spotlight(on) {
      if (on === spotlight) return;
      spotlight = on;
      light();
      follow();
    },
    /** Light a node that the pointer is on elsewhere. */
    light: (name) => graphs.forEach((graph) => graph.light(name)),
    /** Mark nodes: lane → {traced, known} of marks.mjs; null: nothing is marked. */
    mark,
    fit: fitAll,
    /** Show the graph by module, or the whole of it with one module in sight. */
    fold(on, name = null) {
      folded = on;
      if (folded || name === null) fitAll();
      else openAt(name);
    },
    zoom(factor) {
      free = true;
      show(zoomAbout(view, [size.w / 2, area().h / 2 + header], factor));
      settle();
      choose();
    },
    needs: payload.nodes.length > READABLE ? 0 : lanes.length * (readableHeight(payload, measured) + HEADER),
    /** The view that was chosen, and the board it was chosen on; null: the whole graph is fitted. */
    get view() {
      return free && !folded && plan ? { ...view, plan, board: board() } : null;
    },
    /** The same for a board of any size: {x, y, columns, rows}, the middle and how much is seen. */
    get sight() {
      return free && !folded && plan ? sight() : null;
    },
    /** Show a view or a sight that was chosen; null: the whole graph. */
    restore(saved) {
      if (folded) return;
      if (!saved) return void (free && fitAll());
      [free, accompanies] = [true, false];
      chosen = "columns" in saved ? saved : { board: board(), ...saved };
      if (size.w < 10 || size.h < 10) return; // until it has its room
      recall();
      if (!("columns" in chosen)) choose();
    },
    destroy: stop,
  };
}

// A problem is the same with its identity nodes and without; its picture is not.
const sameGraph = (a, b) =>
  ["problem", "title"].every((part) => a[part] === b[part]) &&
  sameMethods(a.lanes, b.lanes) &&
  ["nodes", "edges"].every((part) => JSON.stringify(a[part]) === JSON.stringify(b[part]));
const sameMethods = (a, b) => a.length === b.length && a.every(({ method }, i) => method === b[i].method);
// Widths are numbers; names, pills and groups are the graph's own.
const sameSizes = (a, b) => Object.keys(a).every((name) => typeof a[name] === "object" || a[name] === b[name]);
const sameBoard = (a, b) => a.w === b.w && a.h === b.h && a.header === b.header;
