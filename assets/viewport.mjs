// Pan, zoom and fit: {x, y, k} and the gestures that change it.

/** Return the view zoomed by a factor about a point that stays where it is. */
export function zoomAbout(view, [px, py], factor) {
  return { x: px - (px - view.x) * factor, y: py - (py - view.y) * factor, k: view.k * factor };
}

/** Return the view that shows a column range [left, right] inside a width, moving as little as it can. */
export function bringIntoView(view, [left, right], width, margin = 12) {
  if (left >= margin && right <= width - margin) return view;
  const centre = (left + right) / 2;
  return { ...view, x: view.x + width / 2 - centre };
}

const middle = ({ w, h, header }) => ({ x: w / 2, y: header + (h - header) / 2 });

/** Return a view {x, y, k, board} as another board {w, h, header} shows it: as much of the width, the middle where it was, no smaller than `least`. */
export function carried({ x, y, k, board }, other, least = 0) {
  const scale = Math.max((k * other.w) / board.w, least);
  const [from, to] = [middle(board), middle(other)];
  return { x: to.x - ((from.x - x) / k) * scale, y: to.y - ((from.y - y) / k) * scale, k: scale };
}

const CLICK = 4;

/** Listen to drag, wheel and pinch on an element. `get` and `set` hold the view; `done` is called when a gesture ends. */
export function listenGestures(element, { get, set, done }) {
  const fingers = new Map();
  let [moved, engaged, timer] = [0, false, null];

  const at = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const spread = () => {
    const [a, b] = [...fingers.values()];
    return { middle: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2], size: Math.hypot(a[0] - b[0], a[1] - b[1]) };
  };

  const down = (event) => {
    if (event.button !== 0 || event.target.closest?.("button")) return;
    fingers.set(event.pointerId, at(event));
    [moved, engaged] = [0, true];
  };
  const move = (event) => {
    if (!fingers.has(event.pointerId)) return;
    const point = at(event);
    const old = fingers.get(event.pointerId);
    const before = fingers.size === 2 ? spread() : null;
    fingers.set(event.pointerId, point);
    moved += Math.hypot(point[0] - old[0], point[1] - old[1]);
    if (moved < CLICK) return;
    element.setPointerCapture?.(event.pointerId);
    element.classList.add("dragging");
    let view = get();
    if (before) {
      const after = spread();
      view = zoomAbout(view, before.middle, after.size / (before.size || 1));
      set({ ...view, x: view.x + after.middle[0] - before.middle[0], y: view.y + after.middle[1] - before.middle[1] });
    } else set({ ...view, x: view.x + point[0] - old[0], y: view.y + point[1] - old[1] });
  };
  const up = (event) => {
    if (!fingers.delete(event.pointerId)) return;
    element.classList.remove("dragging");
    if (moved >= CLICK) done();
  };
  // A drag that ends on a node is no click on it.
  const click = (event) => {
    if (moved >= CLICK) {
      event.stopPropagation();
      moved = 0;
    }
  };
  const wheel = (event) => {
    if (!event.ctrlKey && !event.metaKey && !engaged && scrolls(element)) return;
    event.preventDefault();
    set(zoomAbout(get(), at(event), Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0016))));
    clearTimeout(timer);
    timer = setTimeout(done, 120);
  };
  const leave = () => {
    if (!fingers.size) engaged = false;
  };

  const listeners = [
    ["pointerdown", down],
    ["pointermove", move],
    ["pointerup", up],
    ["pointercancel", up],
    ["pointerleave", leave],
    ["wheel", wheel],
  ];
  for (const [name, listener] of listeners) element.addEventListener(name, listener, { passive: false });
  element.addEventListener("click", click, true);
  return () => clearTimeout(timer);
}

// On a page that scrolls, a plain wheel belongs to the page until the picture has been touched. In a frame it belongs
// to the page around, of which nothing can be known.
export function scrolls(element) {
  if (window.parent !== window) return true;
  for (let one = element; one; one = one.parentElement ?? one.getRootNode().host ?? null) {
    if (one.scrollHeight > one.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(one).overflowY)) return true;
  }
  return document.documentElement.scrollHeight > innerHeight + 1;
}
