// One node of a draft: the stage's card with one number, and ports at its sides. Its element stays while it changes, so focus stays too.

import { createHeat, createNumber, opPill } from "./cards.mjs";
import { attribute, shown, svg, text } from "./dom.mjs";
import { isLeafOp, slotName } from "./editor-document.mjs";
import { shownShape, shownValue } from "./editor-facts.mjs";
import { slotHeight } from "./editor-geometry.mjs";
import { scalar } from "./frame.mjs";
import { number } from "./messages.mjs";
import { full } from "./node.mjs";

/**
 * Return {element, button, draw(node, card, now), shift(card)}; `now` is {facts, document, selected, say, inColumns}.
 * What is seen is hidden from screen readers: the button over it says the same as a sentence. What has not changed is not drawn again.
 */
export function createEditNode(context) {
  const title = svg("title");
  const button = svg("rect", { class: "press", role: "button", tabindex: 0, rx: 10 }, title);
  const drawing = svg("g", { "aria-hidden": "true" });
  const ports = svg("g", { "aria-hidden": "true" });
  const element = svg("g", {}, drawing, button, ports);
  const [setClass, setPlace, setTitle] = [attribute(element, "class"), attribute(element, "transform"), text(title)];
  const set = Object.fromEntries(
    ["aria-label", "aria-pressed", "data-node", "data-value", "data-level", "width", "height"].map((name) => [
      name,
      attribute(button, name),
    ]),
  );
  let [body, built, last, drawn] = [null, "", null, ""];

  function build(node, card, look) {
    if (look === built) return;
    built = look;
    body = createBody(node, card, context);
    drawing.replaceChildren(...body.parts);
    ports.replaceChildren(...body.ports);
    setTitle(node.name);
    set.width(String(card.w));
    set.height(String(card.h));
  }

  return {
    element,
    button,
    draw(node, card, now) {
      this.shift(card);
      const facts = now.facts.node(node.name);
      const problems = now.facts.problemsOf(node.name);
      const output = now.document.output === node.name;
      const shape = JSON.stringify([
        node.name,
        node.op,
        card.w,
        card.h,
        card.slots,
        context.metrics.names.get(node.name),
      ]);
      const look = JSON.stringify([shape, facts, problems, output, now.selected, now.inColumns]);
      if (node === last && look === drawn) return;
      [last, drawn] = [node, look];
      build(node, card, shape);
      setClass(
        [
          "node",
          isLeafOp(node.op) ? node.op : "",
          "plain",
          now.selected && "selected",
          output && "output",
          problems.length && "wrong",
          facts.dead && "dead",
        ]
          .filter(Boolean)
          .join(" "),
      );
      set["data-node"](node.name);
      set["aria-pressed"](String(now.selected));
      set["aria-label"](spokenNode(node, now));
      set["data-value"](full(shownValue(node, now.facts)));
      set["data-level"](String(facts.level ?? ""));
      body.draw(node, now, problems.length);
    },
    shift: (card) => setPlace(`translate(${card.x},${card.y})`),
  };
}

function createBody(node, card, context) {
  const leaf = isLeafOp(node.op);
  const indent = card.slots > 1 ? 30 : node.op === "input" ? 20 : 14;
  const right = card.w - (node.op === "input" ? 20 : 14);
  const value = createNumber({ x: right, y: card.h - 9 }, "number value");
  const heat = createHeat({ x: indent, y: card.h - 24, w: 30, h: 16 });
  const caption = svg("text", { class: "facts", x: card.w / 2, y: card.h + 16, "text-anchor": "middle" });
  const badge = svg(
    "g",
    { transform: `translate(${card.w - 4},1)` },
    svg("circle", { r: 10 }),
    word("!", { "text-anchor": "middle", y: 5 }),
  );
  const ports = createPorts(node, card);
  const [setCaption, showHeat, showBadge] = [text(caption), shown(heat.element), shown(badge)];
  return {
    ports: ports.parts,
    parts: [
      svg("rect", { class: "ring", x: -5, y: -5, width: card.w + 10, height: card.h + 10, rx: 14 }),
      svg("rect", {
        class: "card",
        width: card.w,
        height: card.h,
        rx: node.op === "input" ? Math.min(card.h / 2, 30) : 12,
      }),
      svg("rect", { class: "edge-of-output", x: 4, y: 4, width: card.w - 8, height: card.h - 8, rx: 9 }),
      word(context.metrics.names.get(node.name) ?? node.name, { class: "name", x: indent, y: 25 }),
      ...(leaf ? [] : opPill(node, card, context)),
      heat.element,
      value.element,
      caption,
      ...ports.labels,
      badge,
    ],
    draw(draft, now, problems) {
      const entry = shownValue(draft, now.facts);
      const tensor = entry !== null && typeof entry === "object";
      showHeat(tensor);
      if (tensor) heat.draw(entry);
      value.draw(entry);
      setCaption(captionOf(draft, now));
      showBadge(problems > 0);
      badge.setAttribute("class", now.facts.node(draft.name).dead && problems === 1 ? "badge advice" : "badge");
      ports.draw(draft);
    },
  };
}

// The column says the level where nodes stand in columns.
function captionOf(node, { facts, document, say, inColumns }) {
  const { level, dead } = facts.node(node.name);
  const shape = shownShape(node, facts);
  return [
    document.output === node.name ? say("editor.caption_output") : "",
    dead ? say("editor.caption_dead") : level === null || inColumns ? "" : say("stage.level", { level }),
    shape?.length ? shape.join("×") : "",
  ]
    .filter(Boolean)
    .join(" · ");
}

function createPorts(node, card) {
  const inputs = Array.from({ length: card.slots }, (_, slot) =>
    createPort(`${node.name}:${slot}`, 0, slotHeight(slot, card), "in"),
  );
  const labels =
    card.slots > 1
      ? inputs.map((_, slot) => word(slotName(slot), { class: "symbol slot", x: 12, y: slotHeight(slot, card) + 5 }))
      : [];
  const out = createPort(`${node.name}:out`, card.w, card.h / 2, "out");
  return {
    labels,
    parts: [...inputs.map((port) => port.element), out.element],
    draw(draft) {
      inputs.forEach((port, slot) => port.fill((draft.inputs?.[slot] ?? null) !== null));
      out.fill(true);
    },
  };
}

function createPort(name, x, y, side) {
  const element = svg(
    "g",
    { "data-port": name, transform: `translate(${x},${y})` },
    svg("rect", { class: "reach", x: -16, y: -12, width: 32, height: 24 }),
    svg("circle", { r: 6 }),
  );
  const setClass = attribute(element, "class");
  return { element, fill: (filled) => setClass(`port ${side} ${filled ? "filled" : "empty"}`) };
}

function word(content, attributes) {
  const element = svg("text", attributes);
  element.append(content);
  return element;
}

// A node as a sentence for a screen reader.
function spokenNode(node, { facts, document, say }) {
  const op = say.has(`op.${node.op}`) ? say(`op.${node.op}`) : node.op;
  const inputs = (node.inputs ?? []).map((from, slot) =>
    say("editor.node_input", { slot: slotName(slot), from: from ?? say("editor.empty") }),
  );
  const { level, dead } = facts.node(node.name);
  return [
    say("editor.node", { name: node.name, op }),
    ...inputs,
    spokenValue(node, shownValue(node, facts), say),
    dead ? say("editor.caption_dead") : level === null ? "" : say("stage.level", { level }),
    document.output === node.name ? say("editor.node_output") : "",
    ...facts.problemsOf(node.name).map(({ key, slots }) => say(key, slots)),
  ]
    .filter(Boolean)
    .join(", ");
}

function spokenValue(node, value, say) {
  if (value === null) return say(isLeafOp(node.op) ? "editor.unfinished" : "stage.not_yet");
  const spoken =
    typeof value === "object" ? say("stage.largest", { value: number(scalar(value), 3) }) : number(Number(value), 3);
  return say(isLeafOp(node.op) ? "editor.holds" : "editor.gives", { value: spoken });
}
