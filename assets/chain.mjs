// "Where does this come from?": buttons on numbers, and the chain view: one number, its rule, what it rests on.

import { cardButton, printed, ruleBlock } from "./card-parts.mjs";
import { createHeat } from "./cards.mjs";
import { html, svg } from "./dom.mjs";
import { methodName } from "./explain.mjs";
import { isLeaf, sign } from "./frame.mjs";
import { entryOf, numberAt, placeKey, placeNow } from "./origin.mjs";
import { linksOf } from "./trace.mjs";

const MOST = 12; // numbers in a list
const TRAIL = 4; // of a long way down, the last ones
const FEEDBACK = 6;

/** Return the message that names a place: "the error of b". */
export function placeName(payload, laneIndex, { quantity, node, slot }) {
  if (quantity === "error" && payload.lanes[laneIndex].method === "bp") return message("cotangent", { node });
  if (quantity !== "feedback") return message(quantity, { node });
  const { inputs } = linksOf(payload).node(node);
  const twice = inputs.filter((one) => one === inputs[slot]).length > 1;
  return message(twice ? "feedback_slot" : "feedback", { node, input: inputs[slot], slot: slot + 1 });
}

const message = (kind, slots) => ({ key: `stage.origin.place_${kind}`, slots });
// As on the board: what flows back has its sign and colour, what is held has not.
const isSigned = ({ quantity }) => ["error", "feedback", "gradient"].includes(quantity);
const hueOf = (place, value) => (isSigned(place) ? sign(value) : "plain-number");
const letters = (lane) => ({ value: "x", prediction: "μ", error: lane.symbol, gradient: "∂" });

/** Return {element, draw(value, text)}: a button around a number in a table, not to be pressed without one. */
export function createWhere(context, laneIndex, place, figure) {
  const { payload, say, open } = context;
  const what = placeName(payload, laneIndex, place);
  const named = { class: "where", "data-key": keyOf(laneIndex, place) };
  const element = cardButton(named, () => open(laneIndex, place), figure);
  let last;
  return {
    element,
    draw(value, text) {
      if (text === last) return;
      last = text;
      element.setAttribute("aria-label", value === null ? text : say("stage.origin.ask", { value: text, what }));
      element.disabled = value === null;
    },
  };
}

const keyOf = (laneIndex, place) => `${laneIndex} ${placeKey({ ...place, t: "" })}`;

/** Return a node's numbers as buttons (what it holds, what came to it, what it sends), and their heading. */
export function numberChips(context, node, { t, phase }) {
  const { payload, lanes, say, focusLane } = context;
  const several = lanes.length > 1; // what it holds stands in the table of lanes then
  const chips = [...(several ? [] : heldBy(node)), ...feedbackAt(payload, node)]
    .map((place) => placeNow(payload, focusLane, place, t, phase))
    .filter(Boolean)
    .map((place) => numberChip(context, place, node.name));
  const method = methodName(payload.lanes[focusLane]);
  return {
    heading: several ? say.pieces("stage.origin.heading_lane", { method }) : say.pieces("stage.origin.heading"),
    chips: html("div", { class: "chips" }, ...chips),
  };
}

const heldBy = (node) =>
  (isLeaf(node) ? ["value", "gradient"] : ["value", "prediction", "error"]).map((quantity) => ({
    quantity,
    node: node.name,
    slot: null,
  }));

const feedbackAt = (payload, { name }) =>
  [...linksOf(payload).from(name), ...linksOf(payload).into(name)]
    .slice(0, FEEDBACK)
    .map((edge) => ({ quantity: "feedback", node: edge.to, slot: edge.slot }));

function numberChip({ payload, say, focusLane, open }, place, name) {
  const value = numberAt(payload, focusLane, place);
  const { inputs } = linksOf(payload).node(place.node);
  const symbol = letters(payload.lanes[focusLane])[place.quantity];
  const letter = !symbol ? `${place.node}→${inputs[place.slot]}` : typeof value === "object" ? `|${symbol}|` : symbol;
  const text = printed(value, 4, isSigned(place));
  const what = placeName(payload, focusLane, place);
  return cardButton(
    {
      class: "chip where",
      "data-key": keyOf(focusLane, place),
      "aria-label": say("stage.origin.ask", { value: `${letter} ${text}`, what }),
    },
    () => open(focusLane, place),
    html("span", { class: "letter" }, letter),
    " ",
    html("span", { class: hueOf(place, value) }, text),
  );
}

// ---- the chain view

/** Return the parts of the card that shows a chain {lane, trail}: the last place of the trail is the one looked at. */
export function chainCard(context, { lane, trail }) {
  const { payload, lanes, say, follow, closeChain } = context;
  const found = entryOf(payload, lane, trail.at(-1));
  const title = say("stage.origin.title", { what: placeName(payload, lane, trail[0]) });
  const method = lanes.length > 1 ? html("p", { class: "hint" }, say(methodName(payload.lanes[lane]).key)) : null;
  const close = cardButton({ class: "close", "aria-label": say("stage.origin.close") }, closeChain, "×");
  return [
    html("div", { class: "card-head" }, html("h2", { tabindex: -1, "data-key": "chain" }, title), close),
    method,
    trail.length > 1 ? trailOf(context, lane, trail, follow) : null,
    headline(context, lane, trail.at(-1), found),
    html("p", { class: "what" }, say(found.sentence.key, found.sentence.slots)),
    ruleBlock(null, found.lines),
    found.restsOn.length
      ? restsOn(context, lane, trail, found)
      : html("p", { class: "hint" }, say("stage.origin.ends")),
  ].filter(Boolean);
}

const stepOf = (say, place) => (place.quantity === "target" ? "" : say("stage.tick", { t: place.t }));

function headline({ payload, say }, lane, place, { result }) {
  return html(
    "p",
    { class: "origin-number" },
    html("b", {}, say(...said(placeName(payload, lane, place)))),
    " ",
    html("span", { class: "quiet-step" }, stepOf(say, place)),
    " ",
    picture(result, { w: 56, h: 20 }),
    html("b", { class: hueOf(place, result) }, shownNumber(say, place, result)),
  );
}

const said = ({ key, slots }) => [key, slots];
// A tensor's heat map, where its cells travelled.
function picture(value, { w, h }) {
  if (!value?.cells) return null;
  const heat = createHeat({ x: 0, y: 0, w, h });
  heat.draw(value);
  return svg("svg", { class: "origin-heat", width: w, height: h, "aria-hidden": "true" }, heat.element);
}

const shownNumber = (say, place, value) => {
  const text = printed(value, 4, isSigned(place));
  return typeof value === "object" ? say("stage.largest", { value: text }) : text;
};

function trailOf({ payload, say }, lane, trail, follow) {
  const first = trail.length > TRAIL + 1 ? trail.length - TRAIL : 1;
  const steps = trail.map((place, i) => {
    const text = say(...said(placeName(payload, lane, place)));
    const last = i === trail.length - 1;
    const back = cardButton({ class: "crumb", "data-key": `crumb ${i}` }, () => follow(trail.slice(0, i + 1)), text);
    return html("li", last ? { "aria-current": "step" } : {}, last ? text : back);
  });
  const shown = [steps[0], first > 1 ? html("li", {}, "…") : null, ...steps.slice(first)];
  return html("nav", { "aria-label": say("stage.origin.trail") }, html("ol", { class: "trail" }, ...shown));
}

function restsOn({ payload, say, follow }, lane, trail, { restsOn: places }) {
  const rows = places.slice(0, MOST).map((place) => {
    const value = numberAt(payload, lane, place);
    const parts = [
      html("span", { class: "origin-name" }, say(...said(placeName(payload, lane, place)))),
      " ",
      html("span", { class: "quiet-step" }, stepOf(say, place)),
      " ",
      ...numberCell(say, place, value),
    ];
    const key = { class: "origin-row", "data-key": placeKey(place) };
    if (value === null) return html("li", {}, html("span", key, ...parts));
    return html("li", {}, cardButton(key, () => follow([...trail, place]), ...parts));
  });
  const more = places.length - MOST;
  return html(
    "section",
    {},
    html("h3", {}, say("stage.origin.rests_on")),
    html("ul", { class: "origin-list" }, ...rows),
    more > 0 ? html("p", { class: "hint" }, say("stage.origin.more", { count: more })) : null,
  );
}

// Of a tensor its picture and, as on the board, its largest entry; a screen reader is told that it is that.
function numberCell(say, place, value) {
  if (value === null) return [html("span", {}, "·")];
  const text = printed(value, 4, isSigned(place));
  if (typeof value !== "object") return [html("span", { class: hueOf(place, value) }, text)];
  const seen = html("span", { "aria-hidden": "true" }, picture(value, { w: 28, h: 16 }), " ", text);
  const told = html("span", { class: "quiet-text" }, shownNumber(say, place, value));
  return [html("span", { class: hueOf(place, value) }, seen, told)];
}
