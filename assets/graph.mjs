// Draws one lane: level columns, edges, nodes and the messages on the edges. `draw` twice draws the same picture.

import { attribute, setter, shown, svg, text } from "./dom.mjs";
import { barScale, isLeaf, markOf, quantity, scalar, sign } from "./frame.mjs";
import { heatPaths, SHADES } from "./heat.mjs";
import { number, short } from "./messages.mjs";
import { pointAt } from "./curve.mjs";

export const HEADER = 28;
const MARKS = { bits: "=", digits: "≈", no: "≠" };
const LOCK = "M0 6h14v11h-14zM3 6v-2a4 4 0 0 1 8 0v2";

/** Draw the nodes and edges of a lane. `geometry` comes from geometry.mjs, frames from frame.mjs. */
export function createGraph({ payload, lane, geometry, metrics, say, title, onSelect, onHover }) {
  const columns = createColumns(payload, geometry, say, title);
  const edges = payload.edges.map((edge, k) => createEdge(edge, geometry.edges[k], geometry.density));
  const scale = barScaleOf(payload);
  const nodes = payload.nodes.map((node, i) => {
    const context = { payload, lane, say, metrics, scale, density: geometry.density };
    return createNode(node, geometry.cards[i], context);
  });
  const world = svg("g", { class: "world" },
    svg("g", { class: "edges" }, ...edges.map((edge) => edge.element)),
    svg("g", { class: "nodes" }, ...nodes.map((node) => node.element)),
    svg("g", { class: "tokens", "aria-hidden": "true" }, ...edges.map((edge) => edge.token)));
  const element = svg("svg", { class: `graph ${geometry.density}`, role: "group", "aria-label": title || payload.title },
    columns.back, world, columns.heads);
  listen(element, nodes, edges, payload, { onSelect, onHover });

  return {
    element,
    draw(frame, reference, { travel = false, flash = false } = {}) {
      columns.draw(frame.front);
      nodes.forEach((node, i) => node.draw(frame.nodes[i], reference && reference.nodes[i], flash));
      edges.forEach((edge, k) => edge.draw(frame.edges[k], travel));
    },
    travel: (share) => edges.forEach((edge) => edge.travel(share)),
    select: (name) => nodes.forEach((node) => node.select(node.name === name)),
    place(view, size) {
      world.setAttribute("transform", `translate(${view.x},${view.y}) scale(${view.k})`);
      columns.place(view, size);
    },
  };
}

const scales = new WeakMap();
function barScaleOf(payload) {
  if (!scales.has(payload)) scales.set(payload, barScale(payload));
  return scales.get(payload);
}

function listen(element, nodes, edges, payload, { onSelect, onHover }) {
  const near = (name) => edges.forEach((edge, k) => {
    edge.light(name !== null && (payload.edges[k].from === name || payload.edges[k].to === name));
  });
  for (const node of nodes) {
    node.element.addEventListener("click", () => onSelect(node.name));
    node.element.addEventListener("focus", () => { if (node.element.matches(":focus-visible")) onSelect(node.name); });
    node.element.addEventListener("keydown", (event) => { if (event.key === "Enter") onSelect(node.name); });
    node.element.addEventListener("pointerenter", () => { near(node.name); onHover?.(node.name); });
    node.element.addEventListener("pointerleave", () => { near(null); onHover?.(null); });
  }
  edges.forEach((edge, k) => {
    edge.element.addEventListener("pointerenter", () => edge.light(true));
    edge.element.addEventListener("pointerleave", () => edge.light(false));
    edge.element.addEventListener("click", () => onSelect(payload.edges[k].to));
  });
}

// ---- level columns, in screen units so that their words keep their size

function createColumns(payload, geometry, say, title) {
  const depth = geometry.columns - 1;
  const list = Array.from({ length: geometry.columns }, (_, column) => {
    const rect = svg("rect", { class: "column", rx: 10, y: HEADER });
    const head = svg("text", { class: "level", y: 19, "text-anchor": "middle" });
    const level = depth - column;
    return { level, rect, head, width: 0, setRect: attribute(rect, "class"), setHead: attribute(head, "class"), setText: text(head) };
  });
  const band = svg("rect", { class: "band", x: -2, y: -2, height: HEADER + 2 });
  const name = title ? svg("text", { class: "lane-title", x: 2, y: 20 }) : null;
  name?.append(title);
  const heads = svg("g", { class: "heads", "aria-hidden": "true" }, band, ...list.map((one) => one.head), name);
  let front = null;

  const draw = () => list.forEach((one) => {
    const place = front === null ? "plain" : one.level === front ? "front" : one.level < front ? "passed" : "ahead";
    one.setRect(`column ${place}`);
    one.setHead(`level ${place}`);
    one.setText(one.covered ? "" : headText(one, place, say));
  });

  return {
    back: svg("g", { class: "columns", "aria-hidden": "true" }, ...list.map((one) => one.rect)),
    heads,
    draw(next) { front = next; draw(); },
    place(view, size) {
      band.setAttribute("width", size.w + 4);
      const inset = Math.max(2, (geometry.cell.w - geometry.width - 40) / 2) * view.k;
      list.forEach((one, column) => {
        const x = view.x + column * geometry.cell.w * view.k;
        one.width = geometry.cell.w * view.k;
        one.covered = title && x + one.width / 2 < 60 + title.length * 9;
        one.rect.setAttribute("x", x + inset);
        one.rect.setAttribute("width", Math.max(1, one.width - 2 * inset));
        one.rect.setAttribute("height", Math.max(1, size.h - HEADER - 1));
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

// ---- nodes

function createNode(node, card, context) {
  const body = { full: fullCard, compact: compactCard, tall: tallCard, box: boxCard }[context.density](node, card, context);
  const ring = svg("rect", { class: "ring", x: -5, y: -5, width: card.w + 10, height: card.whole + 10, rx: 14 });
  const element = svg("g", {
    role: "button", tabindex: 0, "data-node": node.name, transform: `translate(${card.x},${card.y})`,
  }, ring, ...body.parts);
  const setClass = attribute(element, "class");
  const data = ["value", "prediction", "error"].map((name) => [name, attribute(element, `data-${name}`)]);
  const setGradient = attribute(element, "data-gradient");
  const setLabel = attribute(element, "aria-label");
  let selected = false;
  let place = "plain";
  const classes = () => setClass(`node ${node.kind} ${place}${selected ? " selected" : ""}`);

  return {
    name: node.name,
    element,
    draw(now, reference, flash) {
      place = isLeaf(node) && now.place === "front" ? "ahead" : now.place;
      classes();
      for (const [name, set] of data) set(full(now[name]));
      if (node.kind === "parameter" || node.kind === "input") setGradient(full(now.gradient));
      setLabel(spoken(node, now, context));
      body.draw(now, reference, flash);
    },
    select(on) { selected = on; classes(); element.setAttribute("aria-pressed", String(on)); },
  };
}

const full = (value) => (value === null ? "" : typeof value === "object" ? String(value.max) : String(value));

/** Return a node's numbers as a sentence for a screen reader. */
function spoken(node, now, { payload, lane, say }) {
  const print = (value) => (value === null ? say("stage.not_yet") : spokenNumber(value, say));
  const op = say.has(`op.${node.op}`) ? say(`op.${node.op}`) : node.op;
  const slots = { name: node.name, op, value: print(now.value), prediction: print(now.prediction), error: print(now.error), gradient: print(now.gradient), symbol: payload.lanes[lane].symbol };
  if (!isLeaf(node)) return say(payload.lanes[lane].method === "bp" ? "stage.node_bp" : "stage.node", slots);
  return say(node.kind === "constant" ? "stage.leaf_constant" : "stage.leaf", slots);
}

const spokenNumber = (value, say) => (typeof value === "object" ? say("stage.largest", { value: number(scalar(value), 3) }) : number(Number(value), 3));

// A number in the picture: its text, its sign as a class, and a short flash when it changes going forward.
function createNumber(attributes, name, { signed = false, print = short } = {}) {
  const element = svg("text", { "text-anchor": "end", ...attributes });
  const setText = text(element);
  const setClass = attribute(element, "class");
  return {
    element,
    draw(value, flash) {
      const hue = sign(value);
      setClass(`${name} ${signed ? hue : hue === "none" || hue === "bad" ? hue : ""}`);
      const changed = setText(printed(value, signed, print));
      if (changed && flash) element.animate([{ opacity: 0.2 }, { opacity: 1 }], { duration: 250, easing: "ease-out" });
    },
  };
}

function printed(value, signed, print) {
  if (value === null) return "·";
  return typeof value === "object" ? print(scalar(value)) : print(Number(value), signed);
}

function createHeat(box) {
  const shades = SHADES.map((shade) => svg("path", { class: `heat heat${shade}` }));
  const element = svg("g", {}, svg("rect", { class: "heat-ground", x: box.x, y: box.y, width: box.w, height: box.h }), ...shades);
  const draw = setter((value) => {
    const paths = heatPaths(value, box);
    shades.forEach((path, i) => path.setAttribute("d", paths[SHADES[i]]));
  });
  return { element, draw };
}

const isTensor = (node) => (node.shape ?? []).length > 0;
const radius = (node, card) => (node.kind === "input" ? Math.min(card.h / 2, 30) : 12);
const nameText = (node, { metrics }, x, y) => {
  const element = svg("text", { class: "name", x, y });
  element.append(metrics.names.get(node.name) ?? node.name);
  return element;
};
const title = (node) => { const element = svg("title"); element.append(node.name); return element; };

function opPill(node, card, { payload, metrics }) {
  const width = metrics.pills.get(node.op) ?? 24;
  const symbol = svg("text", { class: "op", x: card.w - 10 - width / 2, y: 25, "text-anchor": "middle" });
  symbol.append(payload.ops[node.op]?.symbol ?? node.op);
  return [svg("rect", { class: "pill", x: card.w - 10 - width, y: 8, width, height: 23, rx: 11.5 }), symbol];
}

function fullCard(node, card, context) {
  return isLeaf(node) ? leafTable(node, card, context) : nodeTable(node, card, context);
}

function nodeTable(node, card, context) {
  const symbol = context.payload.lanes[context.lane].symbol;
  const rows = [["value", "x", 51, false], ["prediction", "μ", 74, false], ["error", symbol, 97, true]].map(([name, letter, y, signed]) => {
    const label = svg("text", { class: `symbol ${name}`, x: 12, y });
    label.append(letter);
    const heat = isTensor(node) ? createHeat({ x: 28, y: y - 14, w: 28, h: 16 }) : null;
    return { name, label, heat, figure: createNumber({ x: card.w - 12, y }, `number ${name}`, { signed }) };
  });
  const bar = createBar(card, 102, context.scale);
  return {
    parts: [title(node), svg("rect", { class: "card", width: card.w, height: card.h, rx: 12 }), nameText(node, context, 12, 25),
      ...opPill(node, card, context), ...rows.flatMap((row) => [row.label, row.heat?.element, row.figure.element].filter(Boolean)), ...bar.parts],
    draw(now, reference, flash) {
      for (const row of rows) { row.figure.draw(now[row.name], flash); row.heat?.draw(now[row.name]); }
      bar.draw(now.error);
    },
  };
}

function createBar(card, y, scale) {
  const half = card.w / 2 - 8;
  const bar = svg("rect", { class: "bar", x: 0, y, width: half, height: 5, rx: 2 });
  const setClass = attribute(bar, "class");
  const setWidth = setter((share) => { bar.style.transform = `translateX(${card.w / 2}px) scaleX(${share})`; });
  return {
    parts: [svg("line", { class: "zero", x1: card.w / 2, x2: card.w / 2, y1: y - 1, y2: y + 6 }), bar],
    draw(error) { setClass(`bar ${sign(error)}`); setWidth(scale(error)); },
  };
}

function leafTable(node, card, context) {
  const indent = node.kind === "input" ? 20 : 12;
  const value = createNumber({ x: card.w - indent, y: 49 }, "number value");
  const heat = isTensor(node) ? createHeat({ x: indent, y: 35, w: 34, h: 16 }) : null;
  const parts = [title(node), svg("rect", { class: "card", width: card.w, height: card.h, rx: radius(node, card) }), nameText(node, context, indent, 25), heat?.element, value.element];
  const gradient = node.kind === "parameter" ? gradientBox(card) : null;
  return {
    parts: [...parts, ...(gradient?.parts ?? [])].filter(Boolean),
    draw(now, reference, flash) { value.draw(now.value, flash); heat?.draw(now.value); gradient?.draw(now, flash); },
  };
}

// A parameter is locked until it is read; then its gradient stands under it, lit in the step that reads it.
function gradientBox(card) {
  const lock = svg("path", { class: "lock", d: LOCK, transform: `translate(${card.w - 28},8)` });
  const box = svg("rect", { class: "gradient-box", y: card.h + 1, width: card.w, height: 26, rx: 8 });
  const letter = svg("text", { class: "gradient", x: 12, y: card.h + 20 });
  const setLetter = text(letter);
  const figure = createNumber({ x: card.w - 12, y: card.h + 20 }, "gradient", { signed: true, print: fourDecimals });
  const [showLock, showBox] = [shown(lock), shown(box)];
  const setBox = attribute(box, "class");
  const setClass = attribute(letter, "class");
  return {
    parts: [box, letter, figure.element, lock],
    draw(now, flash) {
      const read = now.read !== "no";
      showLock(!read);
      showBox(read);
      setBox(`gradient-box ${now.read}`);
      setLetter(read ? "∂" : "");
      setClass(`gradient ${sign(now.gradient)}`);
      figure.element.style.display = read ? "" : "none";
      figure.draw(now.gradient, flash);
    },
  };
}

const fourDecimals = (value, signed) => (Math.abs(value) < 10 ? number(value, 4, signed) : short(value, signed));

// ---- small cards: the name and the one quantity compared

function compactCard(node, card, context) {
  return smallCard(node, card, context, { nameY: 25, numberY: 25, oneLine: true });
}

function tallCard(node, card, context) {
  return smallCard(node, card, context, { nameY: 23, numberY: 46, oneLine: false });
}

function smallCard(node, card, context, { nameY, numberY, oneLine }) {
  const indent = node.kind === "input" && oneLine ? 16 : 12;
  const silent = node.kind === "constant";
  const room = context.metrics.marks ? 20 : 0;
  const right = card.w - 10 - (oneLine ? room : 0);
  const letter = svg("text", { class: "symbol", x: 0, y: numberY, "text-anchor": "end" });
  letter.append(silent ? "" : isLeaf(node) ? "∂" : context.payload.lanes[context.lane].symbol);
  letter.setAttribute("x", oneLine ? right - context.metrics.number - 3 : indent + 11);
  const figure = createNumber({ x: right, y: numberY }, "number error", { signed: true });
  const heat = isTensor(node) && !oneLine ? createHeat({ x: card.w - 42, y: 9, w: 32, h: 16 }) : null;
  const mark = svg("text", { class: "mark", x: card.w - 9, y: oneLine ? nameY : 23, "text-anchor": "end" });
  const [setMark, setMarkClass, setLetter] = [text(mark), attribute(mark, "class"), attribute(letter, "class")];
  const [showLetter, showFigure] = [shown(letter), shown(figure.element)];
  return {
    parts: [title(node), svg("rect", { class: "card", width: card.w, height: card.h, rx: node.kind === "input" ? 19 : 9 }),
      nameText(node, context, indent, nameY), letter, figure.element, heat?.element, mark].filter(Boolean),
    draw(now, reference, flash) {
      const value = quantity(node, now);
      const quiet = silent || (node.kind === "input" && value === null);
      showLetter(!quiet);
      showFigure(!quiet);
      setLetter(`symbol ${sign(value)}`);
      figure.draw(value, flash);
      heat?.draw(value);
      const same = reference ? markOf(node, now, reference) : null;
      setMark(same ? MARKS[same] : "");
      setMarkClass(`mark ${same ?? ""}`);
    },
  };
}

function boxCard(node, card, context) {
  const rect = svg("rect", { class: "card", width: card.w, height: card.h, rx: node.kind === "input" ? 11 : 6 });
  const fill = svg("rect", { class: "fill", x: 3, y: 3, width: card.w - 6, height: card.h - 6, rx: node.kind === "input" ? 8 : 4 });
  const setClass = attribute(fill, "class");
  const setStrength = setter((strength) => { fill.style.opacity = strength; });
  return {
    parts: [title(node), rect, fill],
    draw(now) {
      const value = quantity(node, now);
      setClass(`fill ${sign(value)}`);
      setStrength(value === null ? 0 : 0.15 + 0.85 * Math.abs(context.scale(value)));
    },
  };
}

// ---- edges and what travels on them

function createEdge(edge, shape, density) {
  const base = svg("path", { class: "line", d: shape.d });
  const feedback = svg("path", { class: "feedback", d: shape.d });
  const [x, y] = shape.end;
  const arrow = svg("path", { class: "arrow", d: `M${x},${y}l-9,-4.5v9z` });
  const element = svg("g", { class: "edge", "data-from": edge.from, "data-to": edge.to, "data-slot": edge.slot },
    base, arrow, feedback, svg("path", { class: "hit", d: shape.d }));
  const size = density === "full" ? 1 : 0.62;
  const diamond = svg("g", { class: "diamond" }, svg("path", { class: "body", d: "M-11 0L0-11 11 0 0 11z" }), svg("path", { class: "way", d: "M4-4.5L-3 0 4 4.5" }));
  const label = svg("text", { class: "message", "text-anchor": "middle" });
  if (shape.label) { label.setAttribute("x", shape.label[0]); label.setAttribute("y", shape.label[1] + 5); }
  const token = svg("g", { class: "token" }, diamond, shape.label ? label : null);
  const [setText, setEdge, setToken, setFeedback] = [text(label), attribute(element, "class"), attribute(token, "class"), attribute(element, "data-feedback")];
  const [showToken, showFeedback] = [shown(token), shown(feedback)];
  const move = setter((share) => {
    const [px, py] = pointAt(shape.points, share);
    diamond.style.transform = `translate(${px}px,${py}px) scale(${size})`;
  });
  const withTokens = density !== "box";
  let [before, now, lit] = [null, null, false];
  const still = () => { showToken(now.live && withTokens); setToken(`token ${sign(now.feedback)}`); move(shape.rest); };
  const classes = () => setEdge(`edge ${now?.live ? `live ${sign(now.feedback)}` : ""}${lit ? " lit" : ""}`);

  return {
    element,
    token,
    draw(next, travel) {
      before = travel ? now : null;
      now = next;
      classes();
      setFeedback(now.live ? full(now.feedback) : "");
      showFeedback(now.live);
      setText(now.live ? messageText(now.feedback) : "");
      still();
    },
    // Forward in time: what was sent arrives at the input, then the new message leaves the user.
    travel(share) {
      if (!withTokens || !now || share >= 1) return void (now && still());
      const arriving = before?.live && share < 0.5;
      const leaving = now.live && share >= 0.5;
      showToken(Boolean(arriving || leaving));
      if (arriving) { setToken(`token going ${sign(before.feedback)}`); move(shape.rest * (1 - 2 * share)); }
      if (leaving) { setToken(`token going ${sign(now.feedback)}`); move(1 - (1 - shape.rest) * (2 * share - 1)); }
    },
    light(on) { lit = on; classes(); },
  };
}

const messageText = (value) => (typeof value === "object" ? number(scalar(value), 3) : fourDecimals(Number(value), true));
