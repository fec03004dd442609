// The `?` overlay: every symbol and every key.

import { html, svg } from "./dom.mjs";

const KEYS = ["step", "grain", "play", "ends", "clicker", "speed", "stage_mode", "springs", "blank", "bookmark", "bookmark_set", "spotlight", "presenter", "legend", "close"];

const sample = (...children) =>
  svg(
    "svg",
    { class: "graph sample", width: 64, height: 30, viewBox: "0 0 64 30", "aria-hidden": "true" },
    ...children,
  );
const card = (kind, rx) =>
  svg("g", { class: `node ${kind} plain` }, svg("rect", { class: "card", x: 6, y: 3, width: 52, height: 24, rx }));
const diamond = (hue) =>
  svg(
    "g",
    { class: `token ${hue}`, transform: "translate(32,15)" },
    svg("path", { class: "body", d: "M-11 0L0-11 11 0 0 11z" }),
    svg("path", { class: "way", d: "M4-4.5L-3 0 4 4.5" }),
  );
const word = (text, name) => {
  const element = svg("text", { class: `number ${name}`, x: 32, y: 21, "text-anchor": "middle" });
  element.append(text);
  return element;
};

const SYMBOLS = [
  ["node", () => sample(card("node", 7))],
  ["input", () => sample(card("input", 12))],
  ["parameter", () => sample(card("parameter", 7))],
  ["identity", () => sample(card("identity", 7))],
  ["front", () => sample(svg("rect", { class: "column front", x: 20, y: 1, width: 24, height: 28, rx: 5 }))],
  ["value", () => sample(word("x", ""))],
  ["prediction", () => sample(word("μ", ""))],
  ["error", () => sample(word("ε", ""))],
  ["cotangent", () => sample(word("δ", ""))],
  ["gradient", () => sample(word("∂", ""))],
  ["feedback", () => sample(diamond("neg"))],
  ["positive", () => sample(word("+0.1", "pos"))],
  ["negative", () => sample(word("−0.1", "neg"))],
  ["tensor", () => sample(word("|ε|", ""))],
  ["not_yet", () => sample(word("·", "none"))],
  ["marks", () => sample(word("= ≈ ≠", ""))],
];

const caps = (keys) => keys.split(" ").flatMap((key) => [html("kbd", {}, key), " "]);

/** Return a dialog with `toggle()` and `close()`. */
export function createLegend(say) {
  const close = html("button", { type: "button", class: "button" }, say("stage.close"));
  const element = html(
    "dialog",
    { class: "legend", "aria-label": say("stage.legend") },
    html("div", { class: "legend-head" }, html("h2", {}, say("stage.legend")), close),
    html(
      "div",
      { class: "legend-body" },
      html(
        "dl",
        {},
        ...SYMBOLS.map(([name, draw]) =>
          html("div", {}, html("dt", {}, draw()), html("dd", {}, say(`stage.legend_${name}`))),
        ),
      ),
      html(
        "dl",
        { class: "legend-keys" },
        ...KEYS.map((name) =>
          html("div", {}, html("dt", {}, ...caps(say(`stage.keys_${name}`))), html("dd", {}, say(`stage.key_${name}`))),
        ),
      ),
    ),
  );
  close.addEventListener("click", () => element.close());
  element.addEventListener("click", (event) => {
    if (event.target === element) element.close();
  });
  return {
    element,
    get open() {
      return element.open;
    },
    toggle: () => (element.open ? element.close() : element.showModal()),
    close: () => element.close(),
  };
}
