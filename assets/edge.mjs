// One edge and what travels on it: feedback as a diamond with an arrow, from user to input.

import { attribute, setter, shown, svg, text } from "./dom.mjs";
import { fourDecimals } from "./cards.mjs";
import { pointAt } from "./curve.mjs";
import { scalar, sign } from "./frame.mjs";
import { number } from "./messages.mjs";

const arrowAt = ([x, y]) => `M${x},${y}l-9,-4.5v9z`;

/** Return all forward edges of a picture as two paths: they never change, so they are painted as one. */
export function createLines(shapes) {
  const join = (draw) => shapes.map(draw).join("");
  return [
    svg("path", { class: "line", d: join(({ d }) => d) }),
    svg("path", { class: "arrow", d: join(({ end }) => arrowAt(end)) }),
  ];
}

/** Return {element, token, draw(next, travel), travel(share), light(on), fade(read), spot(near)}. */
export function createEdge(edge, shape, density) {
  const base = svg("path", { class: "line", d: shape.d });
  const feedback = svg("path", { class: "feedback", d: shape.d });
  const arrow = svg("path", { class: "arrow", d: arrowAt(shape.end) });
  const element = svg(
    "g",
    { class: "edge", "data-from": edge.from, "data-to": edge.to, "data-slot": edge.slot },
    base,
    arrow,
    feedback,
    svg("path", { class: "hit", d: shape.d }),
  );
  const size = density === "full" ? 1 : 0.55;
  const diamond = svg(
    "g",
    { class: "diamond" },
    svg("path", { class: "body", d: "M-11 0L0-11 11 0 0 11z" }),
    svg("path", { class: "way", d: "M4-4.5L-3 0 4 4.5" }),
  );
  const label = svg("text", { class: "message", "text-anchor": "middle" });
  if (shape.label) {
    label.setAttribute("x", shape.label[0]);
    label.setAttribute("y", shape.label[1] + 5);
  }
  const token = svg("g", { class: "token" }, diamond, shape.label ? label : null);
  const [setText, setEdge, setToken] = [text(label), attribute(element, "class"), attribute(token, "class")];
  const [showToken, showFeedback] = [shown(token), shown(feedback)];
  const move = setter((share) => {
    const [px, py] = pointAt(shape.points, share);
    diamond.style.transform = `translate(${px}px,${py}px) scale(${size})`;
  });
  const withTokens = density !== "box";
  let [before, now, lit] = [null, null, false];
  const still = () => {
    showToken(now.live && withTokens);
    setToken(`token ${sign(now.feedback)}`);
    move(shape.rest);
  };
  const classes = () => setEdge(`edge ${now?.live ? `live ${sign(now.feedback)}` : ""}${lit ? " lit" : ""}`);

  return {
    element,
    token,
    draw(next, travel) {
      before = travel ? now : null;
      now = next;
      classes();
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
      if (arriving) {
        setToken(`token going ${sign(before.feedback)}`);
        move(shape.rest * (1 - 2 * share));
      }
      if (leaving) {
        setToken(`token going ${sign(now.feedback)}`);
        move(1 - (1 - shape.rest) * (2 * share - 1));
      }
    },
    // While what a node knows is shown: whether this edge was read; null when it is not shown.
    fade(read) {
      element.toggleAttribute("data-read", read === true);
      for (const one of [element, token]) one.toggleAttribute("data-faded", read === false);
    },
    // In the spotlight lie the edges of one node; null: there is no spotlight.
    spot(near) {
      for (const one of [element, token]) one.toggleAttribute("data-dimmed", near === false);
      element.toggleAttribute("data-spot", near === true);
    },
    light(on) {
      lit = on;
      classes();
    },
  };
}

const messageText = (value) =>
  typeof value === "object" ? number(scalar(value), 3) : fourDecimals(Number(value), true);
