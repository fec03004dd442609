// The card on the right: one sentence, the rule, the rule with numbers, who was read, what BP says.

import { html, math, sentence } from "./dom.mjs";
import { explainNode, explainStep, methodName } from "./explain.mjs";
import { entry, isLeaf, markOf, relation, scalar, sign, verdictOf } from "./frame.mjs";
import { chunks } from "./formula.mjs";
import { number } from "./messages.mjs";
import { methodRule, readFrom, rulesOf } from "./rules.mjs";
import { held, linksOf, readsThrough } from "./trace.mjs";

const MARKS = { exact: "=", close: "≈", no: "≠" };

/** Return a card with `draw({t, phase, selected})`; clicking a name calls `onSelect(name)`. */
export function createInspector({ payload, lanes, say, onSelect }) {
  const element = html("aside", { class: "inspector", "aria-label": say("stage.card"), tabindex: 0 });
  const context = { payload, lanes, say, onSelect, focusLane: lanes.at(-1) };
  return {
    element,
    draw(position) {
      const known = position.selected !== null && linksOf(payload).index(position.selected) >= 0;
      element.replaceChildren(...(known ? nodeCard(context, position) : stepCard(context, position)).filter(Boolean));
    },
  };
}

const tell = (say, list) => list.flatMap((one, i) => [...(i ? [{ text: " ", slot: null }] : []), ...say.pieces(one.key, one.slots)]);

// ---- nothing selected: the step

function stepCard(context, { t, phase }) {
  const { payload, lanes, say } = context;
  const table = lanes.length > 1 ? comparisonTable(context, t, phase) : gradientTable(context, t, phase);
  return [
    html("h2", {}, say(phase ? `stage.card_phase` : "stage.card_step", { t, phase: phase ? { key: `stage.grain_${phase}` } : "" })),
    sentence("p", tell(say, explainStep(payload, lanes, t, phase)), { class: "what" }),
    table,
    ...rulesShown(payload, lanes).map((one) => ruleBlock(one, say)),
    html("p", { class: "hint" }, say("stage.card_hint")),
  ];
}

// The rule of the method shown; beside BP, both.
const rulesShown = (payload, lanes) => [...new Set(lanes.length > 2 ? [lanes.at(-1)] : lanes)].map((index) => methodRule(payload, index));

const readable = (payload, index) => payload.nodes.filter((node) => node.kind === "parameter" && payload.lanes[index].gradients[node.name]);

const gradientAt = (lane, name, t, phase) => {
  const at = phase === "predict" || phase === "error" ? t - 1 : t;
  return at < 0 ? null : entry(lane.gradients[name], at);
};

function gradientTable({ payload, lanes, say, onSelect }, t, phase) {
  const lane = payload.lanes[lanes[0]];
  const parameters = readable(payload, lanes[0]);
  if (!parameters.length) return null;
  const head = [say("stage.table_parameter"), say("stage.table_read"), say("stage.table_gradient")];
  const rows = parameters.map((node) => {
    const value = gradientAt(lane, node.name, t, phase);
    const now = value !== null && lane.reads[node.name] === t;
    return { now, cells: [nameButton(node.name, onSelect), say("stage.tick", { t: lane.reads[node.name] ?? "–" }), numberCell(value, 5)] };
  });
  return table(say("stage.table_caption"), head, rows);
}

function comparisonTable({ payload, lanes, say, onSelect }, t, phase) {
  const head = [say("stage.table_parameter"), ...lanes.map((index) => say(methodName(payload.lanes[index]).key))];
  const rows = readable(payload, lanes[0]).map((node) => {
    const values = lanes.map((index) => gradientAt(payload.lanes[index], node.name, t, phase));
    const now = lanes.some((index, i) => values[i] !== null && payload.lanes[index].reads[node.name] === t);
    return { now, cells: [nameButton(node.name, onSelect), ...values.map((value, i) => html("span", {}, numberCell(value, lanes.length > 2 ? 4 : 5), i ? markCell(relation(value, values[0]), say) : null))] };
  });
  return table(say("stage.table_caption"), head, rows, true);
}

const markCell = (mark, say) => html("span", { class: `mark ${mark ?? ""}`, title: mark ? say(`stage.mark_${mark}`) : null }, mark ? MARKS[mark] : "");

function nameButton(name, onSelect) {
  const button = html("button", { type: "button", class: "name-button" }, name);
  button.addEventListener("click", () => onSelect(name));
  return button;
}

function numberCell(value, decimals) {
  if (value === null) return html("span", { class: "none" }, "·");
  return html("span", { class: sign(value) }, printed(value, decimals, true));
}

const printed = (value, decimals, signed) => (typeof value === "object" ? number(scalar(value), decimals) : number(Number(value), decimals, signed));

function table(caption, head, rows, marked = false) {
  return html("table", {}, html("caption", { class: "quiet-text" }, caption),
    html("thead", {}, html("tr", {}, ...head.map((cell, i) => (cell ? html("th", { scope: "col", class: marked && i > 1 ? "marked" : null }, cell) : html("td"))))),
    html("tbody", {}, ...rows.map(({ now, cells }) => html("tr", { class: now ? "now" : null }, ...cells.map((cell, i) => html(i ? "td" : "th", i ? {} : { scope: "row" }, cell))))));
}

// ---- a node is selected

function nodeCard(context, { t, phase, selected }) {
  const { payload, lanes, say, focusLane, onSelect } = context;
  const node = linksOf(payload).node(selected);
  const close = html("button", { type: "button", class: "close", "aria-label": say("stage.deselect") }, "×");
  close.addEventListener("click", () => onSelect(null));
  const sections = rulesOf(payload, focusLane, selected, t, phase, { short: lanes.length > 1 });
  return [
    html("div", { class: "card-head" }, html("h2", {}, say(phase ? "stage.card_node_phase" : "stage.card_node", { name: selected, t, phase: phase ? { key: `stage.grain_${phase}` } : "" })), close),
    sentence("p", tell(say, explainNode(payload, focusLane, selected, t)), { class: "what" }),
    lanes.length > 1 ? laneTable(context, node, t) : null,
    ...sections.map((one) => ruleBlock(one, say)),
    neighbours(context, selected),
    ...verdicts(context, node, t),
  ];
}

function ruleBlock({ title, lines }, say) {
  return html("section", { class: "rule" }, html("h3", {}, say(title.key, title.slots)), html("div", { class: "math" }, ...lines.map((line) => html("div", {}, ...chunks(line).flatMap((part) => [math(part), " "])))));
}

function laneTable({ payload, lanes, say }, node, t) {
  const leaf = isLeaf(node);
  const head = ["", ...lanes.map((index) => say(methodName(payload.lanes[index]).key))];
  const line = (label, pick) => ({ now: false, cells: [label, ...lanes.map((index) => numberCell(pick(payload.lanes[index]), 4))] });
  const errors = line([...new Set(lanes.map((index) => payload.lanes[index].symbol))].join(" / "), (lane) => held(payload, lane, node.name, t).error);
  const rows = leaf
    ? [line("x", (lane) => held(payload, lane, node.name, t).value), line("∂", (lane) => entry(lane.gradients[node.name], t))]
    : [line("x", (lane) => held(payload, lane, node.name, t).value), line("μ", (lane) => held(payload, lane, node.name, t).prediction), errors];
  return table(say("stage.table_lanes", { name: node.name }), head, rows);
}

function neighbours({ payload, focusLane, say, onSelect }, name) {
  const names = readFrom(payload, focusLane, name);
  if (!names.length) return null;
  const chips = names.slice(0, 8).map((one) => {
    const chip = html("button", { type: "button", class: "chip" }, one);
    chip.addEventListener("click", () => onSelect(one));
    return chip;
  });
  return html("section", { class: "neighbours" }, html("h3", {}, say("stage.neighbours")), html("div", { class: "chips" }, ...chips, names.length > 8 ? "…" : null));
}

// What BP says of each parameter that has been read: from the comparison in the payload, where there is one.
function verdicts({ payload, focusLane, say }, node, t) {
  const lane = payload.lanes[focusLane];
  if (!payload.compare || focusLane === 0) return [];
  const names = isLeaf(node) ? (lane.reads[node.name] <= t ? [node.name] : []) : readsThrough(payload, lane, node.name, t);
  return names.map((name) => verdict(payload, focusLane, name, say)).filter(Boolean);
}

function verdict(payload, index, name, say) {
  const cell = payload.compare.rows.find((one) => one.name === name)?.cells.find((one) => one.lane === index);
  if (!cell) return null;
  const reference = entry(payload.lanes[0].gradients[name], payload.lanes[0].steps);
  const slots = { name, reference: methodName(payload.lanes[0]), value: reference === null ? "·" : printed(reference, 4, true), absolute: number(Number(cell.absolute)) };
  const kind = verdictOf(Number(cell.relative));
  return html("p", { class: `verdict ${kind}` }, say(`stage.verdict_${kind}`, slots));
}
