// One node: a focusable button that carries its numbers in full, and a card that shows them.

import { CARDS } from "./cards.mjs";
import { attribute, setter, shown, svg } from "./dom.mjs";
import { isLeaf, scalar } from "./frame.mjs";
import { number } from "./messages.mjs";

/** Return {name, element, button, draw(now, reference, flash, seen), renew(), speak(), show(seen), select(on), light(on), dim(on)}: out of sight a card waits, and is no work for the browser; `speak` says to a screen reader what was drawn. */
export function createNode(node, card, context) {
  const body = CARDS[context.density](node, card, context);
  const button = svg("rect", { role: "button", tabindex: 0, "data-node": node.name, width: card.w }, title(node));
  const boxed = context.density === "box"; // many, each one shape: a place of its own would be a layer to paint apart
  const element = svg("g", boxed ? {} : { transform: `translate(${card.x},${card.y})` }, ...around(button, card, body, context));
  if (boxed) for (const axis of ["x", "y"]) button.setAttribute(axis, card[axis]);
  const setClass = attribute(element, "class");
  const data = (name) => setter((entry) => button.setAttribute(name, full(entry)));
  const setValue = data("data-value");
  const setPrediction = data("data-prediction");
  const setError = data("data-error");
  const setGradient = data("data-gradient");
  const setLabel = attribute(button, "aria-label");
  const setShown = element.children.length > 1 ? shown(element.firstChild) : () => {}; // the button stays
  let selected = false;
  let place = "plain";
  let lit = "";
  let hovered = false;
  let marked = "";
  let dimmed = false;
  let [waiting, unsaid] = [null, false];
  let drawn = {};
  const classes = () => setClass(`node ${node.kind} ${place}${lit}${selected ? " selected" : ""}${hovered ? " hovered" : ""}${marked}${dimmed ? " dimmed" : ""}`);

  return {
    name: node.name,
    element,
    button,
    draw(now, reference, flash, seen = true) {
      if (seen === drawn.seen && same(now, drawn.now) && same(reference, drawn.reference)) return;
      drawn = { now, reference, seen };
      place = isLeaf(node) && now.place === "front" ? "ahead" : now.place;
      lit = now.read === "now" ? " lit" : "";
      classes();
      const news = [setValue(now.value), setPrediction(now.prediction), setError(now.error), setGradient(now.gradient)];
      unsaid ||= news.includes(true);
      waiting = seen ? null : [now, reference];
      if (seen) body.draw(now, reference, flash);
    },
    /** Other numbers, by other measures: what was drawn says nothing of what is to be drawn. */
    renew() {
      drawn = {};
    },
    speak() {
      if (unsaid) setLabel(spoken(node, drawn.now, context));
      unsaid = false;
    },
    show(seen) {
      setShown(seen);
      if (seen && waiting) body.draw(...waiting, false);
      if (seen) waiting = null;
    },
    light(on) {
      if (on === hovered) return;
      hovered = on;
      classes();
    },
    mark(traced, faded) {
      marked = `${traced ? " traced" : ""}${faded ? " faded" : ""}`;
      classes();
    },
    dim(on) {
      if (on === dimmed) return;
      dimmed = on;
      classes();
    },
    select(on) {
      selected = on;
      classes();
      button.setAttribute("aria-pressed", String(on));
    },
  };
}

// Most nodes of a large graph rest in most steps.
const same = (a, b) => a === b || (Boolean(a && b) && sameNumbers(a, b) && a.read === b.read && a.place === b.place);
const sameNumbers = (a, b) =>
  a.value === b.value && a.prediction === b.prediction && a.error === b.error && a.gradient === b.gradient && a.size === b.size;

// What is seen is hidden from screen readers: the button over it says the same as a sentence. A box is its own button.
function around(button, card, body, { density }) {
  const still = { class: "press", height: card.whole, rx: 10 };
  for (const [name, value] of Object.entries(body.press ?? still)) button.setAttribute(name, value);
  body.takes?.(button);
  if (density === "box") return [button];
  const ring = svg("rect", { class: "ring", x: -5, y: -5, width: card.w + 10, height: card.whole + 10, rx: 14 });
  return [svg("g", { "aria-hidden": "true" }, ring, ...body.parts), button];
}

const title = ({ name }) => {
  const element = svg("title");
  element.append(name);
  return element;
};

/** Return an entry in full precision, "" where it is not computed yet. */
export const full = (value) => (value === null ? "" : typeof value === "object" ? String(value.max) : String(value));

/** Return a node's numbers as a sentence for a screen reader. */
function spoken(node, now, { payload, lane, say }) {
  const print = (value) => (value === null ? say("stage.not_yet") : spokenNumber(value, say));
  const op = say.has(`op.${node.op}`) ? say(`op.${node.op}`) : node.op;
  const slots = {
    name: node.name,
    op,
    value: print(now.value),
    prediction: print(now.prediction),
    error: print(now.error),
    gradient: print(now.gradient),
    symbol: payload.lanes[lane].symbol,
  };
  if (!isLeaf(node)) return say(payload.lanes[lane].method === "bp" ? "stage.node_bp" : "stage.node", slots);
  return say(node.kind === "constant" ? "stage.leaf_constant" : "stage.leaf", slots);
}

const spokenNumber = (value, say) =>
  typeof value === "object" ? say("stage.largest", { value: number(scalar(value), 3) }) : number(Number(value), 3);
