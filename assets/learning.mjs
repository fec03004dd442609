// A training run on the page: curves, and pictures of what was learned. It draws what it is given, again and again.

import { html } from "./dom.mjs";
import { createCurves } from "./learning-curves.mjs";
import { confusionTable, pictureTable, planePicture } from "./learning-pictures.mjs";
import { themeOf } from "./theme.mjs";

const NARROW = 700;

/** Draw a run into an element: {update(data), setTheme(), destroy()}. */
export function createLearning(host, data) {
  const root = html("div", { class: "learning", "data-testid": "learning" });
  const upper = html("div", { class: "row" });
  const lower = html("div", { class: "row" });
  root.append(upper, lower);
  host.append(root);
  const panels = data.curves.map(createCurves);
  upper.append(...panels.map((panel) => panel.element));
  let latest = data;

  const watch = new ResizeObserver(() => requestAnimationFrame(drawCurves));
  watch.observe(root);

  function drawCurves() {
    root.classList.toggle("narrow", root.clientWidth < NARROW);
    const width = panels[0]?.element.clientWidth ?? 0;
    if (width > 0) latest.curves.forEach((panel, i) => panels[i].draw(panel, width));
  }
  function drawPictures() {
    const colours = coloursOf(root);
    lower.classList.toggle("planes", latest.learned.some(({ kind }) => kind === "plane"));
    lower.style.setProperty("--count", Math.max(latest.learned.length, 3));
    const pictures = latest.pictures ? [pictureTable(latest.pictures, colours)] : [];
    const draw = { plane: planePicture, confusion: confusionTable };
    lower.replaceChildren(...latest.learned.map((each) => draw[each.kind](each, colours)), ...pictures);
  }
  function draw() {
    root.dataset.theme = themeOf(root);
    root.dataset.update = latest.update;
    drawCurves();
    drawPictures();
  }
  draw();
  return {
    update(next) {
      latest = next;
      draw();
    },
    destroy() {
      watch.disconnect();
      root.remove();
    },
  };
}

function coloursOf(root) {
  const style = getComputedStyle(root);
  const channels = (name) => {
    const hex = style.getPropertyValue(name).trim();
    return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  };
  return { zero: channels("--zero"), one: channels("--one"), page: channels("--page"), ink: channels("--ink") };
}
