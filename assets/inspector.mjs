// The card on the right: one sentence, the rule, the rule with numbers, who was read, what BP says.

import { cardButton, focusKey, keepFocus, printed, ruleBlock } from "./card-parts.mjs";
import { chainCard, createWhere, numberChips } from "./chain.mjs";
import { attribute, html, sentence, sentences, text } from "./dom.mjs";
import { explainNode, explainStep, methodName } from "./explain.mjs";
import { entry, isLeaf, relation, sign, verdictOf } from "./frame.mjs";
import { knowsSentence } from "./marks.mjs";
import { number } from "./messages.mjs";
import { placeNow, readFrom } from "./origin.mjs";
import { methodRule, rulesOf } from "./rules.mjs";
import { held, linksOf, readsThrough } from "./trace.mjs";

const MARKS = { exact: "=", close: "≈", no: "≠" };

/** Return a card with `draw({t, phase, selected, origin, knows})`; a name pressed calls `onSelect(name)`, a number
 *  `onOrigin({lane, trail})`, null to close; the toggle calls `onKnows()`. `closeChain()` goes back from a chain. */
export function createInspector({ payload, lanes, say, onSelect, onOrigin, onKnows }) {
  const card = html("aside", { class: "inspector", "aria-label": say("stage.card"), tabindex: 0 });
  let [now, opener, stepIsIn] = [null, null, false];
  const follow = (trail, lane = now.origin.lane) => {
    onOrigin({ lane, trail });
    focusKey(card, "chain");
  };
  const context = {
    ...{ payload, lanes, say, onSelect, onKnows, follow, closeChain, focusLane: lanes.at(-1) },
    open(lane, place) {
      const here = placeNow(payload, lane, place, now.t, now.phase);
      if (!here) return;
      opener = card.getRootNode().activeElement?.dataset?.key ?? null;
      follow([here], lane);
    },
  };
  const step = createStepCard(context);

  function closeChain() {
    onOrigin(null);
    focusKey(card, opener);
  }

  return {
    element: html("div", { class: "inspector-place" }, card),
    closeChain,
    draw(position) {
      now = { ...position };
      if (now.origin) {
        stepIsIn = false;
        return keepFocus(card, () => card.replaceChildren(...chainCard(context, now.origin)));
      }
      const known = position.selected !== null && linksOf(payload).index(position.selected) >= 0;
      if (known) keepFocus(card, () => card.replaceChildren(...nodeCard(context, position)));
      else if (!stepIsIn) card.replaceChildren(...step.parts);
      if (!known) step.draw(position);
      stepIsIn = !known;
    },
  };
}

const tell = (say, list) =>
  list.flatMap((one, i) => [...(i ? [{ text: " ", slot: null }] : []), ...say.pieces(one.key, one.slots)]);

// ---- nothing selected: the step. Built once; a step changes only texts.

function createStepCard(context) {
  const { payload, lanes, say } = context;
  const head = html("h2");
  const what = html("p", { class: "what" });
  const gradients = lanes.length > 1 ? createComparison(context) : createGradients(context);
  const [setHead, setWhat] = [text(head), sentences(what)];
  return {
    parts: [
      head,
      what,
      gradients?.element,
      ...rulesShown(payload, lanes).map(({ title, lines, notes }) =>
        ruleBlock(
          say.pieces(title.key, title.slots),
          lines,
          lanes.length > 1 ? [] : notes.map(({ key, slots }) => say(key, slots)), // two rules fill the card
        ),
      ),
      lanes.length > 1 ? null : html("p", { class: "hint" }, say("stage.card_hint")),
    ].filter(Boolean),
    draw({ t, phase }) {
      setHead(
        say(phase ? "stage.card_phase" : "stage.card_step", { t, phase: phase ? { key: `stage.grain_${phase}` } : "" }),
      );
      setWhat(tell(say, explainStep(payload, lanes, t, phase)));
      gradients?.draw(t, phase);
    },
  };
}

// The rule of the method shown; of two lanes, both.
const rulesShown = (payload, lanes) =>
  (lanes.length > 2 ? [lanes.at(-1)] : lanes).map((index) => methodRule(payload, index));

const readable = (payload, index) =>
  payload.nodes.filter((node) => node.kind === "parameter" && payload.lanes[index].gradients[node.name]);

const gradientAt = (lane, name, t, phase) => {
  const at = phase === "predict" || phase === "error" ? t - 1 : t;
  return at < 0 ? null : entry(lane.gradients[name], at);
};

const lit = (payload, lanes, values, name, t) =>
  lanes.some((index, i) => values[i] !== null && payload.lanes[index].reads[name] === t);

function createGradients(context) {
  const { payload, lanes, say, onSelect } = context;
  const lane = payload.lanes[lanes[0]];
  const rows = readable(payload, lanes[0]).map((node) => {
    const cell = createNumberCell(5, null, whereOf(context, lanes[0], gradientOf(node.name)));
    const row = tableRow([
      nameButton(node.name, onSelect),
      say("stage.tick", { t: lane.reads[node.name] ?? "–" }),
      cell.element,
    ]);
    const setClass = attribute(row, "class");
    return {
      row,
      draw(t, phase) {
        const value = gradientAt(lane, node.name, t, phase);
        cell.draw(value);
        setClass(lit(payload, lanes, [value], node.name, t) ? "now" : "");
      },
    };
  });
  return tableOf(
    say("stage.table_caption"),
    [say("stage.table_parameter"), say("stage.table_read"), say("stage.table_gradient")],
    rows,
  );
}

const gradientOf = (node) => ({ quantity: "gradient", node, slot: null });
const whereOf = (context, lane, place) => (figure) => createWhere(context, lane, place, figure);

function createComparison(context) {
  const { payload, lanes, say, onSelect } = context;
  const rows = readable(payload, lanes[0]).map((node) => {
    const cells = lanes.map((lane, i) => {
      const where = whereOf(context, lane, gradientOf(node.name));
      return createNumberCell(lanes.length > 2 ? 4 : 5, i > 0 ? say : null, where);
    });
    const row = tableRow([nameButton(node.name, onSelect), ...cells.map((cell) => cell.element)]);
    const setClass = attribute(row, "class");
    return {
      row,
      draw(t, phase) {
        const values = lanes.map((index) => gradientAt(payload.lanes[index], node.name, t, phase));
        cells.forEach((cell, i) => cell.draw(values[i], values[0]));
        setClass(lit(payload, lanes, values, node.name, t) ? "now" : "");
      },
    };
  });
  return tableOf(
    say("stage.table_caption"),
    [say("stage.table_parameter"), ...lanes.map((index) => say(methodName(payload.lanes[index]).key))],
    rows,
    true,
  );
}

// A number in a table, with its mark against the reference where `say` is given; `where` makes it open its chain.
function createNumberCell(decimals, say = null, where = null) {
  const figure = html("span");
  const button = where?.(figure);
  const mark = say ? html("span", { class: "mark" }) : null;
  const [setText, setClass] = [text(figure), attribute(figure, "class")];
  const setMark = mark && text(mark);
  return {
    element: html("span", {}, button?.element ?? figure, mark),
    draw(value, reference) {
      const shown = value === null ? "·" : printed(value, decimals, true);
      if (setText(shown)) button?.draw(value, shown);
      setClass(sign(value));
      if (!mark) return;
      const same = relation(value, reference);
      if (!setMark(same ? MARKS[same] : "")) return;
      mark.className = `mark ${same ?? ""}`;
      mark.title = same ? say(`stage.mark_${same}`) : "";
    },
  };
}

const tableRow = (cells) =>
  html("tr", {}, ...cells.map((cell, i) => html(i ? "td" : "th", i ? {} : { scope: "row" }, cell)));

function tableOf(caption, head, rows, marked = false) {
  if (!rows.length) return null;
  const top = head.map((cell, i) =>
    cell ? html("th", { scope: "col", class: marked && i > 1 ? "marked" : null }, cell) : html("td"),
  );
  const element = html(
    "table",
    {},
    html("caption", { class: "quiet-text" }, caption),
    html("thead", {}, html("tr", {}, ...top)),
    html("tbody", {}, ...rows.map(({ row }) => row)),
  );
  return { element, draw: (t, phase) => rows.forEach((one) => one.draw(t, phase)) };
}

function nameButton(name, onSelect) {
  // A module's path may break after its dots.
  const parts = name.split(/(?<=\.)/).flatMap((part, i) => (i ? [html("wbr"), part] : [part]));
  const button = html("button", { type: "button", class: "name-button" }, ...parts);
  button.addEventListener("click", () => onSelect(name));
  return button;
}

// ---- a node is selected

function nodeCard(context, position) {
  const { t, phase, selected } = position;
  const { payload, lanes, say, focusLane, onSelect } = context;
  const node = linksOf(payload).node(selected);
  const close = html("button", { type: "button", class: "close", "aria-label": say("stage.deselect") }, "×");
  close.addEventListener("click", () => onSelect(null));
  const sections = rulesOf(payload, focusLane, selected, t, phase, { short: lanes.length > 1 });
  return [
    html(
      "div",
      { class: "card-head" },
      html(
        "h2",
        {},
        say(phase ? "stage.card_node_phase" : "stage.card_node", {
          name: selected,
          t,
          phase: phase ? { key: `stage.grain_${phase}` } : "",
        }),
      ),
      close,
    ),
    sentence("p", tell(say, explainNode(payload, focusLane, selected, t)), { class: "what" }),
    lanes.length > 1 ? laneTable(context, node, t) : null,
    numbers(context, node, position),
    ...sections.map(({ title, lines }) => ruleBlock(say.pieces(title.key, title.slots), lines)),
    neighbours(context, selected),
    ...verdicts(context, node, t),
  ].filter(Boolean);
}

// The node's numbers, and the toggle: on, all that the node did not read fades, and a sentence says what it did read.
function numbers(context, node, position) {
  const { payload, focusLane, say, onKnows } = context;
  const { t, selected, knows } = position;
  const { heading, chips } = numberChips(context, node, position);
  const button = cardButton(
    { class: "chip knows", "data-key": "knows", "aria-pressed": String(knows) },
    onKnows,
    say("stage.knows.button"),
  );
  const told = knows && tell(say, [knowsSentence(payload, focusLane, selected, t)]);
  return html(
    "section",
    { class: "numbers" },
    html("div", { class: "numbers-head" }, sentence("h3", heading), button),
    told ? sentence("p", told, { class: "known" }) : null,
    chips,
  );
}

function laneTable(context, node, t) {
  const { payload, lanes, say } = context;
  const shown = isLeaf(node)
    ? ["x", "∂"]
    : ["x", "μ", [...new Set(lanes.map((index) => payload.lanes[index].symbol))].join(" / ")];
  const pick = (lane) => {
    const { value, prediction, error } = held(payload, lane, node.name, t);
    return isLeaf(node) ? [value, entry(lane.gradients[node.name], t)] : [value, prediction, error];
  };
  const quantities = isLeaf(node) ? ["value", "gradient"] : ["value", "prediction", "error"];
  const rows = shown.map((label, k) => {
    const cells = lanes.map((index) => {
      const place = { quantity: quantities[k], node: node.name, slot: null };
      const cell = createNumberCell(4, null, whereOf(context, index, place));
      cell.draw(pick(payload.lanes[index])[k]);
      return cell.element;
    });
    return { row: tableRow([label, ...cells]) };
  });
  return tableOf(
    say("stage.table_lanes", { name: node.name }),
    ["", ...lanes.map((index) => say(methodName(payload.lanes[index]).key))],
    rows,
  ).element;
}

function neighbours({ payload, focusLane, say, onSelect }, name) {
  const names = readFrom(payload, focusLane, name);
  if (!names.length) return null;
  const chips = names.slice(0, 8).map((one) => {
    const chip = html("button", { type: "button", class: "chip" }, one);
    chip.addEventListener("click", () => onSelect(one));
    return chip;
  });
  return html(
    "section",
    { class: "neighbours" },
    html("h3", {}, say("stage.neighbours")),
    html("div", { class: "chips" }, ...chips, names.length > 8 ? "…" : null),
  );
}

// What BP says of each parameter that has been read: from the comparison in the payload, where there is one.
function verdicts({ payload, focusLane, say }, node, t) {
  const lane = payload.lanes[focusLane];
  if (!payload.compare || focusLane === 0) return [];
  const names = isLeaf(node)
    ? lane.reads[node.name] <= t
      ? [node.name]
      : []
    : readsThrough(payload, lane, node.name, t);
  return names.map((name) => verdict(payload, focusLane, name, say)).filter(Boolean);
}

function verdict(payload, index, name, say) {
  const cell = payload.compare.rows.find((one) => one.name === name)?.cells.find((one) => one.lane === index);
  if (!cell) return null;
  const reference = entry(payload.lanes[0].gradients[name], payload.lanes[0].steps);
  const slots = {
    name,
    reference: methodName(payload.lanes[0]),
    value: reference === null ? "·" : printed(reference, 4, true),
    absolute: number(Number(cell.absolute)),
  };
  const kind = verdictOf(Number(cell.relative));
  return html("p", { class: `verdict ${kind}` }, say(`stage.verdict_${kind}`, slots));
}
