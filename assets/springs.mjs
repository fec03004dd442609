// The springs view: a rail a node, its value a bead, its prediction a rod, its error the spring between them.
// The same state on the same clock as the graph above it; `draw` twice draws the same picture.

import { attribute, html, setter, shown, svg, text } from "./dom.mjs";
import { methodName } from "./explain.mjs";
import { laneFrame, scalar, sign } from "./frame.mjs";
import { number, short } from "./messages.mjs";
import { full } from "./node.mjs";
import { hasSprings, isTensor, piecesOf, railOrder, railScale, restOf, stack, windowOf, zigzag } from "./stretch.mjs";

const [STRIP, EMPTY] = [196, 44]; // its height and the gap above it
const MOST = 24; // nodes with rails at once
const [HEIGHT, SEVERAL] = [108, 90]; // of a rail; where rails carry their method's name, less
const [WIDTH, PAD, BAR] = [60, 11, 26];
const COIL = 17; // how far beside its rail a spring hangs, so that the bead hides no short one
const SPRING = zigzag();
const LOCK = "M-4 0h8v6h-8zM-2 0v-2a2 2 0 0 1 4 0v2";

/** Return the strip: {element, height, draw(position), resize(), select(name), hover(name)}. It is made when it is opened. */
export function createSprings({ payload, lanes, say, onSelect, onHover = () => {} }) {
  const sprung = lanes.filter((lane) => hasSprings(payload.lanes[lane]));
  const several = sprung.length > 1;
  const height = several ? SEVERAL : HEIGHT;
  const scale = railScale(payload, sprung);
  const y = (distance) => Math.round((height - PAD - scale.share(distance) * (height - 2 * PAD)) * 10) / 10;
  const context = { payload, say, several, height, scale, y, onSelect, onHover };
  const order = railOrder(payload);
  const place = new Map(order.map((i, k) => [payload.nodes[i].name, k]));
  const groups = new Map(); // node → its rails, made when first shown
  const groupOf = (i) => {
    if (!groups.has(i)) groups.set(i, createGroup(payload.nodes[i], i, sprung, context));
    return groups.get(i);
  };
  const bars = sprung.map((lane) => createBar(lane, context));
  const rails = html("div", { class: "springs-rails" });
  const scroller = html("div", { class: "springs-scroll" }, rails);
  const words = html("p", { class: "springs-head" });
  const row = html("div", { class: "springs-row" }, axis(context), scroller, ...bars.map(({ element }) => element));
  const face = html("div", { class: "springs-face" }, words, sprung.length ? row : null);
  const element = html("section", { class: `springs${sprung.length ? "" : " empty"}`, "aria-label": say("stage.springs_label") }, face);
  const setWords = text(words);
  const note = noteOf(payload, lanes, sprung, say);
  let [selected, hovered, position, open, middle] = [null, null, null, [], null];

  // The rails around the selected node, else around the front, else at the output.
  function middleOf(front) {
    if (place.has(selected)) return place.get(selected);
    const found = front === null ? -1 : order.findIndex((i) => payload.nodes[i].level === front);
    return found >= 0 ? found : front === null || front < 0 ? order.length - 1 : 0;
  }

  function follow(front) {
    const next = middleOf(front);
    if (next === middle) return false;
    middle = next;
    const list = windowOf(order, middle, MOST);
    if (list.join() !== open.join()) refill(list);
    const some = list.length < order.length;
    const around = { count: list.length, all: order.length, name: payload.nodes[order[middle]]?.name };
    setWords([...note, some ? say("stage.springs_window", around) : ""].join(" "));
    return true;
  }

  function refill(list) {
    const focused = rails.getRootNode().activeElement;
    open = list;
    rails.replaceChildren(...open.map((i) => groupOf(i).element));
    if (rails.contains(focused)) focused.focus({ preventScroll: true });
  }

  function scroll() {
    const group = groups.get(order[middle])?.element;
    if (!group || rails.scrollWidth <= scroller.clientWidth + 1) return;
    const [left, right] = [group.offsetLeft, group.offsetLeft + group.offsetWidth];
    const inside = left >= scroller.scrollLeft && right <= scroller.scrollLeft + scroller.clientWidth;
    if (!inside) scroller.scrollLeft = (left + right - scroller.clientWidth) / 2;
  }

  const mark = () => open.forEach((i) => groupOf(i).mark(selected, hovered));

  function draw({ t, phase }) {
    position = { t, phase };
    if (!sprung.length) return setWords(note.join(" "));
    const frames = sprung.map((lane) => laneFrame(payload, lane, t, phase));
    const moved = follow(frames.find(({ front }) => front !== null)?.front ?? null);
    open.forEach((i) => groupOf(i).draw(frames.map((frame) => frame.nodes[i])));
    bars.forEach((bar, k) => bar.draw(frames[k]));
    mark();
    if (moved) scroll(); // once its numbers have given every rail its width
  }

  return {
    element,
    height: sprung.length ? STRIP : EMPTY,
    draw,
    resize: scroll,
    select(name) {
      selected = name;
      if (position) draw(position);
    },
    hover(name) {
      hovered = name;
      mark();
    },
  };
}

/** Return the sentences under which the springs are read. */
function noteOf(payload, lanes, sprung, say) {
  const inner = railOrder(payload).map((i) => payload.nodes[i]);
  return [
    sprung.length && !inner.every(isTensor) ? say("stage.springs_head") : null,
    sprung.length && inner.some(isTensor) ? say("stage.springs_tensor") : null,
    sprung.length < lanes.length ? say("stage.springs_bp") : null,
  ].filter(Boolean);
}

function axis({ height, scale, y }) {
  const word = (value) => {
    const label = svg("text", { x: 48, y: y(value) + 5, "text-anchor": "end" });
    label.append(value === 0 ? "0" : short(value, true));
    return label;
  };
  const apart = (value) => value !== 0 && Math.abs(y(value) - y(0)) > 18;
  const ends = [scale.low, scale.high].filter(apart);
  const marks = [0, ...ends].map((value) => svg("line", { x1: 50, x2: 56, y1: y(value), y2: y(value) }));
  const line = svg("line", { x1: 56, x2: 56, y1: PAD, y2: height - PAD });
  return html(
    "div",
    { class: "springs-axis" },
    svg("svg", { width: 58, height, "aria-hidden": "true" }, line, ...marks, ...[0, ...ends].map(word)),
  );
}

function createGroup(node, i, sprung, context) {
  const rails = sprung.map((lane) => createRail(node, i, lane, context));
  const element = html(
    "div",
    { class: "springs-node" },
    html("span", { class: "springs-name", title: node.name, "aria-hidden": "true" }, node.name),
    html("div", { class: "springs-pair" }, ...rails.map((rail) => rail.element)),
  );
  const setClass = attribute(element, "class");
  let place = "plain";
  return {
    element,
    draw(frames) {
      place = frames.some((frame) => frame.place === "front") ? "front" : frames[0].place;
      rails.forEach((rail, k) => rail.draw(frames[k]));
    },
    mark(selected, hovered) {
      const on = [selected === node.name ? " selected" : "", hovered === node.name ? " hovered" : ""].join("");
      setClass(`springs-node ${place}${on}`);
      rails.forEach((rail) => rail.press(selected === node.name));
    },
  };
}

// One rail: a button that carries the node's numbers in full, and says them.
function createRail(node, index, lane, { payload, say, several, height, scale, y, onSelect, onHover }) {
  const tensor = isTensor(node);
  const clamped = node.name === payload.output;
  const { method } = payload.lanes[lane];
  const rest = tensor ? 0 : restOf(payload.lanes[lane], index);
  const [rod, bead, arrow] = [createRod(), createBead(tensor, clamped), svg("path", { class: "beyond", d: "M-6 0L0-8 6 0z" })];
  const spring = svg("path", { class: "stretch", d: SPRING, "vector-effect": "non-scaling-stroke" });
  const coil = svg("g", { transform: `translate(${COIL},0)` }, spring);
  const track = svg("line", { class: "track", y1: PAD - 4, y2: height - PAD + 4 });
  const middle = svg("line", { class: "rest", x1: -24, x2: 26, y1: y(0), y2: y(0) });
  const picture = svg("g", { transform: `translate(${WIDTH / 2},0)` }, middle, track, coil, rod, bead, arrow);
  const printed = html("span", { class: "springs-number" });
  const tag = several ? html("span", { class: "springs-method" }, say(methodName({ method }).key)) : null;
  const button = html(
    "button",
    { type: "button", "data-rail": node.name, "data-method": method },
    tag,
    svg("svg", { width: WIDTH, height, "aria-hidden": "true" }, picture),
    printed,
  );
  const [setClass, setLabel, setPressed] = ["class", "aria-label", "aria-pressed"].map((name) => attribute(button, name));
  const data = ["value", "prediction", "error"].map((name) => [name, attribute(button, `data-${name}`)]);
  const [setNumber, moveRod, moveBead] = [text(printed), mover(rod), mover(bead)];
  const [showRod, showBead, showSpring, showArrow] = [rod, bead, spring, arrow].map(shown);
  const away = (entry) => (entry === null ? null : scalar(entry) - rest);
  const stretch = setter((transform) => {
    spring.style.transform = transform;
  });
  const point = setter((way) => {
    arrow.setAttribute("transform", way > 0 ? `translate(0,${PAD - 1})` : `translate(0,${height - PAD + 1}) scale(1,-1)`);
  });
  button.addEventListener("click", () => onSelect(node.name));
  for (const [event, name] of [["pointerenter", node.name], ["pointerleave", null], ["focus", node.name], ["blur", null]])
    button.addEventListener(event, () => onHover(name));

  return {
    element: button,
    press: (on) => setPressed(String(on)),
    draw(now) {
      const [value, prediction] = tensor ? [size(now.error), 0] : [away(now.value), away(now.prediction)];
      const [bead, rod] = [value, prediction].map((one) => (known(one) ? y(one) : null));
      const way = [value, prediction].filter(known).map(scale.beyond).find(Boolean) ?? 0;
      setClass(`spring-rail ${sign(now.error)}`);
      for (const [name, set] of data) set(full(now[name]));
      showBead(bead !== null && (!tensor || size(now.error) !== null));
      showRod(rod !== null);
      showSpring(bead !== null && rod !== null && now.error !== null);
      showArrow(way !== 0);
      if (bead !== null) moveBead(bead);
      if (rod !== null) moveRod(rod);
      if (bead !== null && rod !== null) stretch(`translateY(${rod}px) scaleY(${bead - rod})`);
      if (way) point(way);
      setNumber(now.error === null ? "·" : tensor ? short(size(now.error)) : short(Number(now.error), true));
      setLabel(sentenceOf(node, now, { say, tensor, clamped, way, method: several ? method : null }));
    },
  };
}

const known = (value) => value !== null && !Number.isNaN(value);
const size = (error) => (error === null ? null : Math.abs(scalar(error)));

const createRod = () => svg("rect", { class: "rod", x: -12, y: -2, width: 38, height: 4, rx: 2 });

// A value is a ball, a clamped one a locked square; the size of a tensor's error only has an end.
function createBead(tensor, clamped) {
  const arm = svg("line", { class: "arm", x1: 0, x2: COIL + 6 });
  if (tensor) return svg("g", { class: "bead" }, arm);
  if (!clamped) return svg("g", { class: "bead" }, arm, svg("circle", { r: 7 }));
  const lock = svg("path", { class: "key", d: LOCK, transform: "translate(0,-2)" });
  return svg("g", { class: "bead" }, arm, svg("rect", { x: -9, y: -9, width: 18, height: 18 }), lock);
}

const mover = (element) =>
  setter((at) => {
    element.style.transform = `translateY(${at}px)`;
  });

function sentenceOf(node, now, { say, tensor, clamped, way, method }) {
  const print = (value) => (value === null ? say("stage.not_yet") : number(scalar(value), 3));
  const slots = {
    name: method ? say("stage.spring_of", { method: methodName({ method }), name: node.name }) : node.name,
    value: print(now.value),
    prediction: print(now.prediction),
    error: print(now.error),
  };
  const kind = tensor ? "stage.spring_tensor" : clamped ? "stage.spring_clamped" : "stage.spring";
  return say(kind, slots) + (way ? ` ${say("stage.spring_beyond")}` : "");
}

// What the energy is made of, as shares of a full bar; how large it is, the curve below shows.
function createBar(lane, { payload, say, several, height, onSelect, onHover }) {
  const picture = svg("svg", { width: 112, height, "aria-hidden": "true" });
  const total = html("span", { class: "springs-number" });
  const element = html(
    "div",
    { class: "springs-energy" },
    html("span", { class: "springs-name" }, say("stage.springs_energy")),
    several ? html("span", { class: "springs-method" }, say(methodName(payload.lanes[lane]).key)) : null,
    picture,
    total,
  );
  const [setTotal, setData] = [text(total), attribute(element, "data-energy")];
  const [low, high] = [height - PAD, PAD];
  return {
    element,
    draw(frame) {
      const pieces = piecesOf(payload, frame).filter(({ energy }) => energy > 0);
      setData(full(frame.energy));
      setTotal(frame.energy === null ? "·" : number(Number(frame.energy)));
      picture.replaceChildren(
        svg("rect", { class: "ground", x: 6, y: high, width: BAR, height: low - high }),
        ...stack(pieces, low, low - high).flatMap((piece) => pieceParts(piece, onSelect, onHover)),
      );
    },
  };
}

function pieceParts({ name, error, y, height }, onSelect, onHover) {
  const rect = svg("rect", { class: `piece ${sign(error)}`, x: 6, y, width: BAR, height });
  if (name === null) return [rect];
  rect.dataset.piece = name;
  rect.addEventListener("click", () => onSelect(name));
  rect.addEventListener("pointerenter", () => onHover(name));
  rect.addEventListener("pointerleave", () => onHover(null));
  if (height < 15) return [rect];
  const label = svg("text", { x: BAR + 12, y: y + height / 2 + 5 });
  label.append(name.length > 9 ? `${name.slice(0, 8)}…` : name);
  return [rect, label];
}
