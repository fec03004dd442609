// What a node looks like, by density: a table, a line, two lines, or a box coloured by the size of its error.

import { attribute, setter, shown, svg, text } from "./dom.mjs";
import { isLeaf, markOf, quantity, scalar, sign } from "./frame.mjs";
import { heatPaths, SHADES } from "./heat.mjs";
import { brief, number, short } from "./messages.mjs";

const MARKS = { exact: "=", close: "≈", no: "≠" };
const LOCK = "M0 6h14v11h-14zM3 6v-2a4 4 0 0 1 8 0v2";

/** Density → (node, card, context) → {parts, draw(now, reference, flash)}; a box gives its button's attributes and takes the button. */
export const CARDS = { full: fullCard, slim: fullCard, compact: compactCard, tall: tallCard, box: boxCard };

// A number in the picture: its text, its sign as a class, and a short flash when it changes going forward.
export function createNumber(attributes, name, { signed = false, print = short } = {}) {
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

export function createHeat(box) {
  const shades = SHADES.map((shade) => svg("path", { class: `heat heat${shade}` }));
  const ground = svg("rect", { class: "heat-ground", x: box.x, y: box.y, width: box.w, height: box.h });
  const element = svg("g", {}, ground, ...shades);
  const showGround = shown(ground);
  const draw = setter((value) => {
    showGround(typeof value !== "object" || value === null || Boolean(value.cells)); // not where its size alone travelled
    const paths = heatPaths(value, box);
    shades.forEach((path, i) => path.setAttribute("d", paths[SHADES[i]]));
  });
  return { element, draw };
}

// A tensor shows its largest absolute entry.
const letterOf = (symbol, node) => (isTensor(node) ? `|${symbol}|` : symbol);

// In a table a heat map stands before a tensor's number: powers of ten have one decimal there.
const printOf = (node) => (isTensor(node) ? brief : short);

const isTensor = (node) => (node.shape ?? []).length > 0;
const radius = (node, card) => (node.kind === "input" ? Math.min(card.h / 2, 30) : 12);
const nameText = (node, { metrics }, x, y) => {
  const element = svg("text", { class: "name", x, y });
  element.append(metrics.names.get(node.name) ?? node.name);
  return element;
};

export function opPill(node, card, { payload, metrics }) {
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
  const rows = [
    ["value", "x", 51, false],
    ["prediction", "μ", 74, false],
    ["error", symbol, 97, true],
  ].map(([name, letter, y, signed]) => {
    const label = svg("text", { class: `symbol ${name}`, x: 12, y });
    label.append(letter);
    const heat = isTensor(node) ? createHeat({ x: 28, y: y - 14, w: 28, h: 16 }) : null;
    return { name, label, heat, figure: createNumber({ x: card.w - 12, y }, `number ${name}`, { signed, print: printOf(node) }) };
  });
  const bar = createBar(card, 102, context.scale);
  return {
    parts: [
      svg("rect", { class: "card", width: card.w, height: card.h, rx: 12 }),
      nameText(node, context, 12, 25),
      ...opPill(node, card, context),
      ...rows.flatMap((row) => [row.label, row.heat?.element, row.figure.element].filter(Boolean)),
      ...bar.parts,
    ],
    draw(now, reference, flash) {
      for (const row of rows) {
        row.figure.draw(now[row.name], flash);
        row.heat?.draw(now[row.name]);
      }
      bar.draw(now.error);
    },
  };
}

function createBar(card, y, scale) {
  const half = card.w / 2 - 8;
  const bar = svg("rect", { class: "bar", x: 0, y, width: half, height: 5, rx: 2 });
  const setClass = attribute(bar, "class");
  const setWidth = setter((share) => {
    bar.style.transform = `translateX(${card.w / 2}px) scaleX(${share})`;
  });
  return {
    parts: [svg("line", { class: "zero-line", x1: card.w / 2, x2: card.w / 2, y1: y - 1, y2: y + 6 }), bar],
    draw(error) {
      setClass(`bar ${sign(error)}`);
      setWidth(scale(error));
    },
  };
}

function leafTable(node, card, context) {
  const indent = node.kind === "input" ? 20 : 12;
  const value = createNumber({ x: card.w - indent, y: 49 }, "number value", { print: printOf(node) });
  const heat = isTensor(node) ? createHeat({ x: indent, y: 35, w: 34, h: 16 }) : null;
  const parts = [
    svg("rect", { class: "card", width: card.w, height: card.h, rx: radius(node, card) }),
    nameText(node, context, indent, 25),
    heat?.element,
    value.element,
  ];
  const gradient = node.kind === "parameter" ? gradientBox(card) : null;
  return {
    parts: [...parts, ...(gradient?.parts ?? [])].filter(Boolean),
    draw(now, reference, flash) {
      value.draw(now.value, flash);
      heat?.draw(now.value);
      gradient?.draw(now, flash);
    },
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

/** Print four decimals where there is room: gradients and messages. */
export const fourDecimals = (value, signed) => (Math.abs(value) < 10 ? number(value, 4, signed) : short(value, signed));

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
  const room = context.metrics.marks ? 18 : 0;
  const right = card.w - 10 - (oneLine ? room : 0);
  const letter = svg("text", { class: "symbol", x: 0, y: numberY, "text-anchor": "end" });
  letter.append(silent ? "" : letterOf(isLeaf(node) ? "∂" : context.payload.lanes[context.lane].symbol, node));
  letter.setAttribute("x", oneLine ? right - context.metrics.brief - 7 : indent + (isTensor(node) ? 20 : 11));
  const figure = createNumber({ x: right, y: numberY }, "number error", { signed: true, print: brief });
  const heat = isTensor(node) && !oneLine ? createHeat({ x: indent, y: 54, w: card.w - 2 * indent, h: 9 }) : null;
  const mark = svg("text", { class: "mark", x: card.w - 9, y: oneLine ? nameY : 23, "text-anchor": "end" });
  const [setMark, setMarkClass, setLetter] = [text(mark), attribute(mark, "class"), attribute(letter, "class")];
  const [showLetter, showFigure] = [shown(letter), shown(figure.element)];
  return {
    parts: [
      svg("rect", { class: "card", width: card.w, height: card.h, rx: node.kind === "input" ? 19 : 9 }),
      nameText(node, context, indent, nameY),
      letter,
      figure.element,
      heat?.element,
      mark,
    ].filter(Boolean),
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

function boxCard(node, card, { scale, strength = null }) {
  let setClass = () => {};
  return {
    press: { class: "press card", height: card.h, rx: node.kind === "input" ? 11 : 6 },
    takes(button) {
      setClass = attribute(button, "class");
    },
    draw(now) {
      const value = quantity(node, now);
      const strong = strength ? strength(now.size ?? scalar(value)) : Math.ceil(5 * Math.abs(scale(value)));
      setClass(`press card ${sign(value)} strength${strong}`);
    },
  };
}
