import assert from "node:assert/strict";
import { test } from "node:test";
import { curveThrough, pathText, pointAt, walk } from "../../assets/curve.mjs";
import { energyScale, labelledSteps, trend } from "../../assets/energy.mjs";
import { fit, freeGap, leastCell, NUMBER, overlap, place } from "../../assets/geometry.mjs";
import { heatPaths, shadeOf } from "../../assets/heat.mjs";
import { cut } from "../../assets/measure.mjs";
import { roomBelow } from "../../assets/room.mjs";
import { luminance } from "../../assets/theme.mjs";
import { bringIntoView, zoomAbout } from "../../assets/viewport.mjs";
import { residual } from "./residual.mjs";

const METRICS = { marks: false, tensors: false, name: 30, head: 92, number: 60, quantity: 60, brief: 60, label: 56 };
const PAGE = { w: 880, h: 440 };
const boxes = (cards) => cards.map(({ x, y, w, whole }) => ({ x, y, w, h: whole }));
const pairs = (list) => list.flatMap((a, i) => list.slice(i + 1).map((b) => [a, b]));

test("the residual graph fits the page with full cards and readable numbers", () => {
  const plan = fit(residual("zil"), PAGE, METRICS);
  assert.equal(plan.density, "full");
  assert.ok(plan.scale * NUMBER >= 16);
});

test("numbers never become smaller than 16 px: cards become simpler instead", () => {
  for (const w of [200, 300, 400, 500, 600, 700, 880, 1200]) {
    for (const h of [90, 150, 220, 330, 440]) {
      const plan = fit(residual("zil"), { w, h }, METRICS);
      assert.ok(plan.density === "box" || plan.scale * NUMBER >= 15.99, `${w}×${h}: ${plan.density} at ${plan.scale}`);
    }
  }
  assert.equal(fit(residual("zil"), { w: 150, h: 90 }, METRICS).density, "box");
});

test("a picture that is read keeps its numbers and is panned", () => {
  const plan = fit(residual("zil"), { w: 360, h: 370 }, METRICS, { read: true });
  assert.notEqual(plan.density, "box");
  assert.ok(plan.scale * NUMBER >= 15.99);
});

test("stage mode asks for 24 px", () => {
  const plan = fit(residual("zil"), { w: 1240, h: 590 }, METRICS, { least: 24 / NUMBER, most: 2.4 });
  assert.ok(plan.density !== "box" && plan.scale * NUMBER >= 24);
});

for (const density of ["full", "slim", "compact", "tall", "box"]) {
  test(`no two cards overlap: ${density}`, () => {
    const { cards } = place(residual("zil"), density, leastCell(density, METRICS), METRICS);
    for (const [a, b] of pairs(boxes(cards))) assert.equal(overlap(a, b), 0);
  });
}

test("the messages of all edges at once cover no card and not each other", () => {
  const payload = residual("pc");
  const { cell } = fit(payload, PAGE, METRICS);
  const { cards, edges } = place(payload, "full", cell, METRICS);
  const labels = edges.map(({ label: [x, y] }) => ({ x: x - 28, y: y - 9, w: 56, h: 18 }));
  for (const [a, b] of pairs(labels)) assert.equal(overlap(a, b), 0);
  for (const label of labels) for (const card of boxes(cards)) assert.equal(overlap(label, card), 0);
});

test("an edge over several columns goes around what is in its way", () => {
  const node = (name, x, y, inputs, kind = "node") => ({
    name,
    op: "add",
    kind,
    level: 2 - x,
    x,
    y,
    shape: [],
    inputs,
  });
  const payload = {
    nodes: [node("a", 0, 0, [], "input"), node("b", 1, 0, ["a"]), node("c", 2, 0, ["a", "b"])],
    edges: [
      { from: "a", to: "b", slot: 0 },
      { from: "a", to: "c", slot: 0 },
      { from: "b", to: "c", slot: 1 },
    ],
  };
  const { cards, edges } = place(payload, "full", leastCell("full", METRICS), METRICS);
  const inside = edges[1].points.filter(
    ([x, y]) => x > cards[1].x && x < cards[1].x + cards[1].w && y > cards[1].y && y < cards[1].y + cards[1].whole,
  );
  assert.deepEqual(inside, []);
  const routed = place(
    { ...payload, edges: payload.edges.map((edge, k) => (k === 1 ? { ...edge, via: [[1, -1]] } : edge)) },
    "full",
    { w: 200, h: 130 },
    METRICS,
  );
  assert.ok(routed.edges[1].points.some(([, y]) => Math.abs(y + 130) < 1));
});

test("the nearest free gap is taken, and the wanted place when it is free", () => {
  assert.equal(
    freeGap(
      [
        [0, 10],
        [12, 30],
      ],
      8,
    ),
    10,
  );
  assert.equal(freeGap([[0, 10]], 20), 20);
  assert.equal(
    freeGap(
      [
        [0, 10],
        [5, 30],
      ],
      8,
    ),
    0,
  );
});

test("a curve starts and ends where it should and is walked evenly", () => {
  const pieces = curveThrough([
    [0, 0],
    [50, 40],
    [100, 40],
    [150, 0],
  ]);
  const points = walk(pieces);
  assert.deepEqual(
    [points[0], points.at(-1)],
    [
      [0, 0],
      [150, 0],
    ],
  );
  const steps = points.slice(1).map(([x, y], i) => Math.hypot(x - points[i][0], y - points[i][1]));
  assert.ok(Math.max(...steps) / Math.min(...steps) < 1.1);
  assert.deepEqual(pointAt(points, 2), [150, 0]);
  assert.match(pathText(pieces), /^M0,0C/);
});

test("the caption of the energy is honest", () => {
  assert.equal(trend([0.0058, 0.0175, 0.097, 0.59, 3.7]).kind, "rises"); // F8: Z-IL at γ = 1
  assert.equal(trend([3, 2, 1]).kind, "falls");
  assert.deepEqual(trend([3, 2, 2.5, 1]), { kind: "turns", step: 2 });
  assert.equal(trend([null, null]).kind, "none");
  assert.deepEqual(trend([1, Infinity]), { kind: "broken", step: 1 });
  assert.equal(trend([1, 1]).kind, "flat");
});

test("a wide range of energies is drawn on a log scale, a narrow one is not", () => {
  const wide = energyScale([[0.0058, 3.7]]);
  assert.ok(wide.log && wide.share(0.0058) === 0 && wide.share(3.7) === 1);
  const narrow = energyScale([[1, 2]]);
  assert.ok(!narrow.log && narrow.share(1) === 0.5);
  assert.equal(energyScale([[0, 0]]).share(0), 0);
  assert.equal(energyScale([[1, Infinity]]).share(Infinity), 1);
});

test("step labels never touch, and the last one is there", () => {
  for (const steps of [0, 1, 4, 13, 60, 999]) {
    const list = labelledSteps(steps, 1150);
    assert.ok(list.length <= 22 && list.at(-1) === steps && list[0] === 0);
  }
});

test("heat maps: four shades a sign, relative to the largest entry", () => {
  assert.deepEqual(
    [0, 0.1, 0.26, -1, 1].map((cell) => shadeOf(cell, 1)),
    [0, 1, 2, -4, 4],
  );
  const paths = heatPaths({ max: 1, cells: [1, -1, 0, 0.2], grid: [2, 2], whole: true }, { x: 0, y: 0, w: 20, h: 10 });
  assert.equal(paths[4], "M0,0h10v5h-10z");
  assert.equal(paths[-4], "M10,0h10v5h-10z");
  assert.equal(paths[1], "M10,5h10v5h-10z");
  assert.ok(Object.values(heatPaths(0.5, { x: 0, y: 0, w: 1, h: 1 })).every((path) => path === ""));
});

test("a long name is cut in its middle", () => {
  const width = (text) => text.length;
  assert.equal(cut("short", 9, width), "short");
  assert.equal(cut("encoder.layer.0.weight", 9, width).length, 9);
  assert.match(cut("encoder.layer.0.weight", 9, width), /^enco….*ight$/);
});

test("zooming leaves the point under the pointer where it is", () => {
  const view = zoomAbout({ x: 10, y: 20, k: 1 }, [100, 80], 2);
  assert.deepEqual([(100 - view.x) / view.k, (80 - view.y) / view.k], [90, 60]);
  assert.deepEqual(bringIntoView({ x: 0, y: 0, k: 1 }, [50, 100], 300), { x: 0, y: 0, k: 1 });
  assert.equal(bringIntoView({ x: 0, y: 0, k: 1 }, [400, 500], 300).x, -300);
});

test("the stage takes the room under its top edge", () => {
  assert.equal(roomBelow(110, 720), 720 - 110 - 18);
  assert.ok(roomBelow(2000, 720) <= 720);
  assert.ok(roomBelow(110, 400) >= 380);
});

test("dark and light backgrounds are told apart", () => {
  assert.ok(luminance("#0f172a") < 0.05);
  assert.ok(luminance("rgb(251, 251, 250)") > 0.9);
  assert.ok(luminance("#fff") === 1);
  assert.equal(luminance("rgba(0, 0, 0, 0)"), null);
  assert.equal(luminance("none"), null);
});
