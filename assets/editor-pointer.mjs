// Mouse, pen and touch on the drawing: press, drag, frame, connect, pan, pinch, long press. One gesture at a time.

import { namesIn, nodeAt, portNear } from "./editor-geometry.mjs";
import { scrolls, zoomAbout } from "./viewport.mjs";

const CLICK = 4;
const REACH = 26; // px on the screen: how near a wire must come to a port
const LONG = 500;
const FAR = 30; // a wire dropped this far out asks for a new node

const apart = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);

/** Return {port, node, edge} under an event: at most one of them set. A captured pointer hides what lies under it, so the page is asked. */
function hitOf(event) {
  const target = event.target.getRootNode().elementFromPoint(event.clientX, event.clientY) ?? event.target;
  const port = target.closest("[data-port]");
  if (port) return { port: readPort(port.dataset.port) };
  const node = target.closest("[data-node]");
  if (node) return { node: node.dataset.node };
  const edge = target.closest(".link");
  return edge ? { edge: { to: edge.dataset.to, slot: Number(edge.dataset.slot), from: edge.dataset.from } } : {};
}

/** Return {node, slot} of a port's name "a:out" or "b:0"; a node's name holds no colon. */
export function readPort(name) {
  const [node, slot] = name.split(":");
  return { node, slot: slot === "out" ? "out" : Number(slot) };
}

/** Listen to pointers on the canvas. `act` says what they mean; returns {cancel, stop}. */
export function listenPointer(canvas, act) {
  const { element } = canvas;
  const fingers = new Map();
  let [mode, timer, engaged, space] = [null, null, false, false];

  const begin = (next) => {
    mode?.cancel?.();
    mode = next;
  };
  const drawing = (point) => canvas.drawingOf(point);

  // ---- gestures: each {move(point, event), up(point, event), cancel()}

  function pressNode(name, start, event) {
    const adding = event.shiftKey || event.ctrlKey || event.metaKey;
    let [move, shift] = [null, [0, 0]];
    if (!adding && !act.isSelected(name)) act.select([name]);
    return {
      move(point) {
        if (!move && apart(point, start) < CLICK) return;
        if (!move && !act.isSelected(name)) act.select([name]);
        move ??= canvas.lift(act.selected());
        shift = act.snapped(name, [(point[0] - start[0]) / canvas.view.k, (point[1] - start[1]) / canvas.view.k]);
        act.dragging(true);
        move(shift);
      },
      up() {
        act.dragging(false);
        if (move) act.moved(shift);
        else if (adding) act.toggle(name);
        else act.select([name]);
      },
      cancel() {
        move?.([0, 0]);
        act.dragging(false);
      },
    };
  }

  function frame(start, event) {
    const adding = event.shiftKey ? act.selected() : [];
    let moving = false;
    return {
      move(point) {
        moving ||= apart(point, start) >= CLICK;
        if (moving) canvas.marquee(start, point);
      },
      up(point) {
        canvas.marquee(null);
        if (moving)
          act.select([...new Set([...adding, ...namesIn(canvas.cards, drawing(start), drawing(point))])], true);
        else act.select(adding);
      },
      cancel: () => canvas.marquee(null),
    };
  }

  function pan(start) {
    let [last, far] = [start, 0];
    return {
      move(point) {
        far += apart(point, last);
        const { view } = canvas;
        if (far >= CLICK) canvas.setView({ ...view, x: view.x + point[0] - last[0], y: view.y + point[1] - last[1] });
        last = point;
      },
      up() {
        if (far < CLICK) act.select([]);
      },
    };
  }

  function pinch() {
    const pair = () => {
      const [a, b] = [...fingers.values()];
      return { middle: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2], far: apart(a, b) || 1 };
    };
    let last = pair();
    return {
      move() {
        const now = pair();
        const view = zoomAbout(canvas.view, last.middle, now.far / last.far);
        canvas.setView({
          ...view,
          x: view.x + now.middle[0] - last.middle[0],
          y: view.y + now.middle[1] - last.middle[1],
        });
        last = now;
      },
      up() {},
    };
  }

  // From an output to a slot, from an empty slot to an output; a filled slot gives its edge's end into the hand.
  function wire(port, start) {
    const held = port.slot === "out" ? null : act.source(port);
    const from = held ? { node: held, slot: "out" } : port;
    const wanted = (point) =>
      portNear(canvas.cards, drawing(point), REACH / canvas.view.k, from.slot === "out" ? "in" : "out") ??
      onNode(point);
    const onNode = (point) => {
      const node = nodeAt(canvas.cards, drawing(point));
      return node === null || node === from.node
        ? null
        : from.slot === "out"
          ? act.slotFor(node)
          : { node, slot: "out" };
    };
    let moving = false;
    return {
      move(point) {
        if (!moving && apart(point, start) < CLICK) return;
        moving = true;
        const to = wanted(point);
        canvas.connect(from, to ?? drawing(point), to ? (act.fits(from, to) ? "yes" : "no") : "");
      },
      up(point, event) {
        canvas.connect(null);
        if (!moving) return act.select([port.node]);
        const to = wanted(point);
        if (to) act.connect(from, to, held ? port : null);
        else if (held) act.disconnect(port);
        else dropped(point, event);
      },
      cancel: () => canvas.connect(null),
    };

    function dropped(point, event) {
      const node = nodeAt(canvas.cards, drawing(point));
      if (node !== null && node !== from.node) act.full(node);
      else if (node === null && apart(point, start) > FAR) act.openAdd(event, from);
    }
  }

  function choose(event, point, hit) {
    if (space || event.button === 1) return pan(point);
    if (hit.port) return wire(hit.port, point);
    if (hit.node) return pressNode(hit.node, point, event);
    if (hit.edge) return { move() {}, up: () => act.selectEdge(hit.edge) };
    return event.pointerType === "touch" ? pan(point) : frame(point, event);
  }

  // ---- listeners

  function down(event) {
    if (event.button > 1) return;
    // A finger's late mouse events would take the focus from what it opened.
    if (event.pointerType === "touch") event.preventDefault();
    act.touched();
    const point = canvas.pointOf(event);
    engaged = true;
    fingers.set(event.pointerId, point);
    element.setPointerCapture(event.pointerId);
    clearTimeout(timer);
    if (fingers.size === 2) return begin(pinch());
    if (fingers.size > 2) return;
    const hit = hitOf(event);
    begin(choose(event, point, hit));
    if (event.pointerType === "touch")
      timer = setTimeout(() => {
        begin(null);
        act.menu(event, hit);
      }, LONG);
  }

  function move(event) {
    if (!fingers.has(event.pointerId)) return;
    const point = canvas.pointOf(event);
    if (apart(point, fingers.get(event.pointerId)) >= CLICK) clearTimeout(timer);
    if (fingers.size === 2 || apart(point, fingers.get(event.pointerId)) > 0) mode?.move(point, event);
    fingers.set(event.pointerId, point);
  }

  function up(event) {
    if (!fingers.delete(event.pointerId)) return;
    clearTimeout(timer);
    const done = mode;
    mode = null;
    if (event.type === "pointercancel") done?.cancel?.();
    else done?.up(canvas.pointOf(event), event);
  }

  function twice(event) {
    const hit = hitOf(event);
    if (hit.node) act.rename(hit.node);
    else if (!hit.port && !hit.edge) act.openAdd(event, null);
  }

  function context(event) {
    event.preventDefault();
    if (event.pointerType !== "touch") act.menu(event, hitOf(event));
  }

  function wheel(event) {
    if (!event.ctrlKey && !event.metaKey && !engaged && scrolls(element)) return;
    event.preventDefault();
    canvas.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0016)), canvas.pointOf(event));
  }

  const listeners = [
    ["pointerdown", down],
    ["pointermove", move],
    ["pointerup", up],
    ["pointercancel", up],
    ["dblclick", twice],
    ["contextmenu", context],
    ["wheel", wheel],
    [
      "pointerleave",
      () => {
        engaged = fingers.size > 0;
      },
    ],
  ];
  for (const [name, listener] of listeners) element.addEventListener(name, listener, { passive: false });
  return {
    get busy() {
      return mode !== null;
    },
    cancel() {
      begin(null);
    },
    hold(on) {
      space = on;
    },
    stop: () => clearTimeout(timer),
  };
}
