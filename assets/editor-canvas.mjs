// The drawing of a draft: grid, level columns, edges, nodes, and what shows while one is moved, connected or framed.

import { createColumns, HEADER } from "./columns.mjs";
import { pathText } from "./curve.mjs";
import { html, shown, svg } from "./dom.mjs";
import { edgesOf, isLeafOp } from "./editor-document.mjs";
import { createEditEdge } from "./editor-edge.mjs";
import { shownShape } from "./editor-facts.mjs";
import {
  boundsOf,
  cardOf,
  CELL,
  coveredBy,
  curveBetween,
  edgeCurve,
  layoutAt,
  moved,
  outOf,
  portOf,
  revealed,
  viewOf,
} from "./editor-geometry.mjs";
import { createEditNode } from "./editor-node.mjs";
import { firstColumn } from "./editor-place.mjs";
import { cut, ruler } from "./measure.mjs";
import { zoomAbout } from "./viewport.mjs";

const LONGEST_NAME = 92;
const TENSOR = 132;
const READABLE = 0.85;
const ZOOM = { least: 0.15, most: 3 };

/** Return the drawing: `draw(scene)`, view, hits, and what shows during a gesture. A scene is {document, facts, selection, edge, ghosts, levels}. */
export function createCanvas({ say, family }) {
  const metrics = createMetrics(family);
  const context = { metrics, payload: { ops: {} } };
  let ops = new Map();
  const backs = svg("g");
  const heads = svg("g");
  const edgeLayer = svg("g", { class: "edges" });
  const nodeLayer = svg("g", { class: "nodes" });
  const wire = svg("path", { class: "wire" });
  const spot = svg("circle", { class: "spot", r: 13 });
  const world = svg(
    "g",
    { class: "world" },
    edgeLayer,
    nodeLayer,
    svg("g", { class: "over", "aria-hidden": "true" }, wire, spot),
  );
  const frame = svg("rect", { class: "marquee" });
  const element = svg(
    "svg",
    { class: "graph edit", role: "group", "aria-label": say("editor.canvas"), tabindex: -1 },
    backs,
    world,
    heads,
    frame,
  );
  const board = html("div", { class: "board" }, element);
  const showFrame = shown(frame);
  const nodes = new Map(); // name → view
  let [edges, cards, scene, columns, routed] = [[], new Map(), null, null, ""];
  let [view, size] = [
    { x: 0, y: 0, k: 1 },
    { w: 0, h: 0 },
  ];
  let watch = () => {};
  showFrame(false);

  // ---- drawing

  function draw(next) {
    const before = scene;
    scene = next;
    metrics.learn(scene.document.nodes, context.payload.ops);
    cards = new Map(scene.document.nodes.map((node) => [node.name, cardOf(node, ops, widthOf(node))]));
    drawColumns();
    drawNodes(before?.document);
    drawEdges();
    place();
  }

  // A tensor's heat map stands beside its largest entry.
  const widthOf = (node) => Math.max(metrics.head(node), shownShape(node, scene.facts)?.length ? TENSOR : 0);

  function drawNodes(before) {
    if (before && before !== scene.document) carryNames(before);
    const wanted = new Set(scene.document.nodes.map((node) => node.name));
    for (const [name, node] of nodes)
      if (!wanted.has(name)) {
        node.element.remove();
        nodes.delete(name);
      }
    let last = null;
    for (const node of scene.document.nodes) {
      const there = nodes.get(node.name) ?? createEditNode(context);
      nodes.set(node.name, there);
      there.draw(node, cards.get(node.name), {
        ...scene,
        say,
        selected: scene.selection.includes(node.name),
        inColumns: Boolean(columns?.back),
      });
      const next = last ? last.nextSibling : nodeLayer.firstChild;
      if (next !== there.element) nodeLayer.insertBefore(there.element, next);
      last = there.element;
    }
  }

  // A node that only changed its name keeps its element, and so the focus.
  function carryNames(before) {
    if (before.nodes.length !== scene.document.nodes.length) return;
    const pairs = before.nodes
      .map((node, i) => [node.name, scene.document.nodes[i].name])
      .filter(([old, now]) => old !== now && nodes.has(old) && !nodes.has(now));
    for (const [old, now] of pairs) {
      nodes.set(now, nodes.get(old));
      nodes.delete(old);
    }
  }

  function drawEdges() {
    const list = edgesOf(scene.document).filter(({ from }) => cards.has(from));
    while (edges.length > list.length) edges.pop().view.element.remove();
    while (edges.length < list.length) {
      edges.push({ view: createEditEdge() });
      edgeLayer.append(edges.at(-1).view.element);
    }
    const fresh = routed !== (routed = JSON.stringify([list, [...cards.values()]]));
    const covered = fresh ? coveredBy(cards.values()) : null;
    list.forEach((edge, i) => {
      const selected = scene.edge !== null && scene.edge.to === edge.to && scene.edge.slot === edge.slot;
      Object.assign(edges[i], { edge, pieces: fresh ? curveOf(edge, cards, covered) : edges[i].pieces });
      edges[i].view.draw({ edge, pieces: edges[i].pieces, gap: scene.ghosts ? scene.facts.gap(edge) : 1, selected });
    });
  }

  const curveOf = ({ from, to, slot }, where, covered) => edgeCurve(where.get(from), where.get(to), slot, covered);

  // The columns of the stage, as soon as every node stands in its level's column.
  function drawColumns() {
    const start = firstColumn(scene.document, scene.facts.levels);
    const count = start === null ? 0 : 1 + Math.max(...scene.facts.levels.values());
    const key = `${start},${count}`;
    if (columns?.key === key) return;
    columns =
      start === null
        ? { key }
        : { key, start, ...createColumns(null, { columns: count, cell: CELL, width: 112 }, say, "") };
    backs.replaceChildren(...[columns.back].filter(Boolean));
    heads.replaceChildren(...[columns.heads].filter(Boolean));
    columns.draw?.(null);
  }

  function place() {
    world.setAttribute("transform", `translate(${view.x},${view.y}) scale(${view.k})`);
    columns?.place?.({ ...view, x: view.x + columns.start * CELL.w * view.k }, size);
    const step = 0.25 * CELL.w * view.k * (view.k < 0.5 ? 4 : 2);
    board.style.backgroundSize = `${step}px ${(step * CELL.h) / CELL.w}px`;
    board.style.backgroundPosition = `${view.x}px ${view.y}px`;
  }

  // ---- the view

  function setView(next) {
    if (next.x === view.x && next.y === view.y && next.k === view.k) return;
    const k = Math.min(ZOOM.most, Math.max(ZOOM.least, next.k));
    view = k === next.k ? next : zoomAbout(view, [size.w / 2, size.h / 2], k / view.k);
    place();
    watch();
  }

  const pointOf = (event) => {
    const box = element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const drawingOf = ([x, y]) => [(x - view.x) / view.k, (y - view.y) / view.k];

  // ---- moving some nodes: only they and their edges change

  function lift(names) {
    const held = new Set(names);
    const covered = coveredBy([...cards].filter(([name]) => !held.has(name)).map(([, card]) => card));
    const inside = edges.filter(({ edge }) => held.has(edge.from) && held.has(edge.to));
    const touched = edges.filter(({ edge }) => held.has(edge.from) !== held.has(edge.to));
    return (shift) => {
      const now = new Map(cards);
      for (const name of names) {
        now.set(name, moved(cards.get(name), shift));
        nodes.get(name).shift(now.get(name));
      }
      for (const { view: one } of inside) one.carry(shift);
      for (const { edge, view: one } of touched) one.shift(curveOf(edge, now, covered));
    };
  }

  // ---- connecting

  const anchorOf = ({ node, slot }) => (slot === "out" ? outOf(cards.get(node)) : portOf(cards.get(node), slot));

  /** Show the wire from a port to a point or a port; null takes it away. `verdict`: "yes", "no" or "". */
  function connect(from, to, verdict = "") {
    wire.setAttribute("class", `wire ${from ? verdict : "none"}`);
    spot.setAttribute("class", `spot ${from && verdict ? verdict : "none"}`);
    if (!from) return;
    const [a, b] = [anchorOf(from), Array.isArray(to) ? to : anchorOf(to)];
    wire.setAttribute("d", pathText(from.slot === "out" ? curveBetween(a, b) : curveBetween(b, a)));
    spot.setAttribute("cx", b[0]);
    spot.setAttribute("cy", b[1]);
  }
  connect(null);

  /** Show the frame between two points of the screen; null takes it away. */
  function marquee(a, b) {
    showFrame(a !== null);
    if (a === null) return;
    const box = {
      x: Math.min(a[0], b[0]),
      y: Math.min(a[1], b[1]),
      width: Math.abs(a[0] - b[0]),
      height: Math.abs(a[1] - b[1]),
    };
    for (const [name, value] of Object.entries(box)) frame.setAttribute(name, value);
  }

  return {
    board,
    element,
    setOps(table) {
      [ops, context.payload] = [table, { ops: Object.fromEntries(table) }];
    },
    draw,
    lift,
    connect,
    marquee,
    pointOf,
    drawingOf,
    layoutOf: (event) => layoutAt(drawingOf(pointOf(event))),
    get cards() {
      return cards;
    },
    get view() {
      return view;
    },
    get size() {
      return size;
    },
    setView,
    zoom: (factor, at = [size.w / 2, size.h / 2]) => setView(zoomAbout(view, at, factor)),
    /** Show everything; with `read`, at least as large as its numbers can be read, and then from the output on. */
    fit(read = false) {
      setView(
        viewOf(
          boundsOf([...cards.values()]),
          size,
          { header: HEADER, ...(read ? { least: READABLE } : {}) },
          cards.get(scene.document.output),
        ),
      );
    },
    reveal(name) {
      if (cards.has(name)) setView(revealed(view, cards.get(name), size, { header: HEADER }));
    },
    middle: () => layoutAt(drawingOf([size.w / 2, size.h / 2])),
    resize(next) {
      size = next;
      place();
    },
    node: (name) => nodes.get(name)?.button ?? null,
    /** Return a node's card on the screen, from the board's corner. */
    boxOf(name) {
      const { x, y, w, h } = cards.get(name);
      return { x: view.x + x * view.k, y: view.y + y * view.k, w: w * view.k, h: h * view.k };
    },
    onView(listener) {
      watch = listener;
    },
  };
}

// ---- widths

function createMetrics(family) {
  const [wide, small] = [ruler(`700 17px ${family}`), ruler(`700 15px ${family}`)];
  const [names, widths, pills] = [new Map(), new Map(), new Map()];
  return {
    names,
    pills,
    learn(nodes, ops) {
      for (const { op } of nodes) if (!pills.has(op)) pills.set(op, Math.max(24, small(ops[op]?.symbol ?? op) + 14));
      for (const { name } of nodes) {
        if (names.has(name)) continue;
        names.set(name, cut(name, LONGEST_NAME, wide));
        widths.set(name, wide(names.get(name)));
      }
    },
    head: (node) => (widths.get(node.name) ?? 0) + (isLeafOp(node.op) ? 20 : pills.get(node.op) + 8) + 40,
  };
}
