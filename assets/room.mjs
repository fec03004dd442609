// How tall the stage may be, so that the whole page is seen without scrolling.

const LEAST = 520;
const MARGIN = 18;
export const NARROW = 760;

/** Return the height left under an element's top edge: at least 520 px, and no more than the window. */
export function roomBelow(top, windowHeight, { least = LEAST, margin = MARGIN } = {}) {
  const room = windowHeight - top - margin;
  return Math.max(least, Math.min(room > least * 0.5 ? room : windowHeight - 2 * margin, windowHeight - margin));
}

/** Call `change` when the element's width or the room under it changes. Returns a function that stops. */
export function watchRoom(element, change) {
  let [old, timers] = ["", []];
  const look = () => {
    const box = element.getBoundingClientRect();
    const top = box.top + scrolled(element);
    const now = { width: box.width, height: roomBelow(top, innerHeight) };
    if (`${now.width},${now.height}` === old || now.width < 1) return;
    old = `${now.width},${now.height}`;
    change(now);
  };
  const observer = new ResizeObserver(look);
  observer.observe(element.parentElement ?? element);
  addEventListener("resize", look);
  // What lies above may still arrive.
  const soon = () => {
    timers.forEach(clearTimeout);
    timers = [60, 300, 900, 2000].map((delay) => setTimeout(look, delay));
  };
  look();
  soon();
  return {
    look: soon,
    stop() {
      observer.disconnect();
      removeEventListener("resize", look);
      timers.forEach(clearTimeout);
    },
  };
}

// How far the page around the element is scrolled: its top counts from the start of the page.
function scrolled(element) {
  let sum = document.scrollingElement?.scrollTop ?? 0;
  for (
    let one = parentOf(element);
    one && one !== document.documentElement && one !== document.body;
    one = parentOf(one)
  )
    sum += one.scrollTop ?? 0;
  return sum;
}

const parentOf = (element) => element.assignedSlot ?? element.parentElement ?? element.getRootNode().host ?? null;
