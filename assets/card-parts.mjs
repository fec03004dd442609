// Parts that the card's views share: a number as text, lines of MathML, the button that closes.

import { html, math, sentence } from "./dom.mjs";
import { chunks } from "./formula.mjs";
import { scalar } from "./frame.mjs";
import { number } from "./messages.mjs";

/** Return an entry as text: of a tensor its largest absolute entry. */
export const printed = (value, decimals, signed) =>
  typeof value === "object" ? number(scalar(value), decimals) : number(Number(value), decimals, signed);

/** Return a rule as a section; the pieces of `heading` (messages.mjs) are said above it, notes below. */
export const ruleBlock = (heading, lines, notes = []) =>
  html(
    "section",
    { class: "rule" },
    heading && sentence("h3", heading),
    html(
      "div",
      { class: "math" },
      ...lines.map((line) => html("div", {}, ...chunks(line).flatMap((part) => [math(part), " "]))),
    ),
    ...notes.map((note) => html("p", { class: "hint" }, note)),
  );

/** Return a button; `key` names it among the card's, so that the focus finds it again when the card is drawn anew. */
export function cardButton(attributes, press, ...content) {
  const button = html("button", { type: "button", ...attributes }, ...content);
  button.addEventListener("click", press);
  return button;
}

/** Draw a card anew and leave the focus where it was: on the button with the same key. */
export function keepFocus(card, draw) {
  const active = card.getRootNode().activeElement;
  const key = card.contains(active) ? active.dataset.key : undefined;
  draw();
  if (key !== undefined) focusKey(card, key);
}

/** Move the focus to the part of a card with this key; the card itself where there is none. */
export function focusKey(card, key) {
  const found = [...card.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key && !one.disabled);
  (found ?? card).focus({ preventScroll: !found });
}
