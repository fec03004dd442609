// Printing: paper is no screen, so what is printed fits its whole graph and takes the paper's width.

const CELL = { w: 180, h: 150, head: 40 };

/** Call `begin` before the page is printed (or shown as paper) and `end` after it. Returns a function that stops. */
export function listenPaper(begin, end) {
  const media = matchMedia("print");
  let printing = false;
  const turn = (on) => {
    if (on === printing) return;
    printing = on;
    if (on) begin();
    else end();
  };
  const [before, after, changed] = [() => turn(true), () => turn(false), () => turn(media.matches)];
  addEventListener("beforeprint", before);
  addEventListener("afterprint", after);
  media.addEventListener("change", changed);
  return () => {
    removeEventListener("beforeprint", before);
    removeEventListener("afterprint", after);
    media.removeEventListener("change", changed);
  };
}

/** Return the size {w, h} of a board on which each of a graph's nodes has room for its numbers, in every lane. */
export function paperSize(nodes, { w, h }, lanes) {
  const reach = (part) => Math.max(...nodes.map((node) => node[part])) - Math.min(...nodes.map((node) => node[part])) + 1;
  return { w: Math.max(w, reach("x") * CELL.w), h: Math.max(h, (reach("y") * CELL.h + CELL.head) * lanes) };
}

/** Let a drawing of so many pixels be scaled to any width, or no longer. */
export function scaled(svg, size) {
  if (size) svg.setAttribute("viewBox", `0 0 ${size.w} ${size.h}`);
  else svg.removeAttribute("viewBox");
}
