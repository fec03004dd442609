// The picture of a large graph: one card a module. `draw` twice draws the same picture.

import { attribute, svg, text } from "./dom.mjs";
import { HEADER } from "./columns.mjs";
import { createLines } from "./edge.mjs";
import { groupFrame } from "./folding.mjs";
import { brief, short } from "./messages.mjs";
import { strengthOf } from "./sizes.mjs";

/** Draw a lane folded. The same interface as a graph's (graph.mjs); `onOpen(group)` is called for a group pressed. */
export function createFold({ payload, lane, geometry: placed, metrics, say, title, header = HEADER, onOpen }) {
  const { groups } = payload.folded;
  const cards = groups.map((group, i) => createCard(group, placed.cards[i], { payload, lane, metrics, say, onOpen }));
  const live = svg("path", { class: "feedback tensor" });
  const setLive = attribute(live, "d");
  const crossing = crossingEdges(payload);
  const world = svg(
    "g",
    { class: "world" },
    svg("g", { class: "edges", "aria-hidden": "true" }, ...createLines(placed.edges), live),
    ...cards.map(({ element }) => element),
  );
  const element = svg(
    "svg",
    { class: "graph folded", role: "group", "aria-label": title || payload.title || say("stage.fold_picture") },
    world,
    title ? svg("text", { class: "lane-title", x: 2, y: header - 7 }, document.createTextNode(title)) : null,
  );
  return {
    element,
    draw(frame) {
      cards.forEach((card, i) => card.draw(groupFrame(payload, lane, groups[i], frame.t)));
      setLive(
        placed.edges
          .filter((_, k) => crossing[k].some((edge) => frame.edges[edge].live))
          .map(({ d }) => d)
          .join(""),
      );
    },
    travel() {},
    select() {},
    light() {},
    place: (view) => world.setAttribute("transform", `translate(${view.x},${view.y}) scale(${view.k})`),
  };
}

// Which of the graph's edges each edge between groups stands for.
function crossingEdges({ folded, nodes, edges }) {
  const home = new Map(folded.groups.flatMap((group) => group.members.map((i) => [nodes[i].name, group.name])));
  const found = new Map(folded.edges.map(({ from, to }) => [`${from}\n${to}`, []]));
  edges.forEach(({ from, to }, k) => found.get(`${home.get(from)}\n${home.get(to)}`)?.push(k));
  return [...found.values()];
}

function createCard(group, { x, y, w, h }, { payload, lane, metrics, say, onOpen }) {
  const symbol = payload.lanes[lane].symbol;
  const button = svg("rect", { class: "press card", role: "button", tabindex: 0, "data-group": group.name, width: w, height: h, rx: 10 });
  const word = (name, wx, wy, anchor = "start") => svg("text", { class: name, x: wx, y: wy, "text-anchor": anchor });
  const heading = word("name", 12, 24);
  heading.append(metrics.groups.get(group.name) ?? group.name);
  const [low, high] = group.levels;
  const what = word("what", 12, 45);
  what.append(say(low === high ? "stage.level" : "stage.group_levels", { level: low, low, high }));
  const many = word("what", 12, 65);
  many.append(say("stage.group_nodes", { count: group.members.length }));
  const [size, read, front] = [
    word("number error", 12, 91),
    word("what", w - 12, 65, "end"),
    word("front-mark", w - 12, 24, "end"),
  ];
  const [setSize, setRead, setFront] = [size, read, front].map(text);
  const words = svg("g", { "aria-hidden": "true" }, heading, what, many, size, read, front);
  const element = svg("g", { transform: `translate(${x},${y})` }, button, words);
  const [setClass, setPress] = [attribute(element, "class"), attribute(button, "class")];
  const [setLabel, setData] = [attribute(button, "aria-label"), attribute(button, "data-error")];
  button.addEventListener("click", () => onOpen(group.name));
  button.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // else it would press the button that takes the focus
    onOpen(group.name, true);
  });
  const strength = strengthOf(payload);
  return {
    element,
    button,
    draw({ size: found, place, leaves, read: count, due }) {
      setClass(`node group ${place}`);
      setPress(`press card tensor strength${strength(found)}`);
      setSize(leaves ? "" : found === null ? `|${symbol}| ·` : `|${symbol}| ${brief(found)}`);
      setRead(due ? `∂ ${count}/${due}` : "");
      setFront(place === "front" ? say("stage.front") : "");
      setData(found === null ? "" : String(found));
      setLabel(
        say(`stage.group_${place === "front" || place === "passed" ? place : "rest"}`, {
          name: group.name,
          count: group.members.length,
          low,
          high,
          error: found === null ? say("stage.not_yet") : short(found),
          read: count,
          due,
        }),
      );
    },
  };
}
