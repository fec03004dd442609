import assert from "node:assert/strict";
import { test } from "node:test";
import { actionOf } from "../../assets/keys.mjs";
import { bezier, createClock, createJourney } from "../../assets/motion.mjs";
import { createPlayer, duration, nextSpeed, tick } from "../../assets/player.mjs";

function fakeFrames() {
  let waiting = [];
  return {
    request: (frame) => waiting.push(frame),
    cancel: () => {
      waiting = [];
    },
    run(now) {
      const frames = waiting;
      waiting = [];
      for (const frame of frames) frame(now);
    },
    get idle() {
      return waiting.length === 0;
    },
  };
}

test("a position is due when its time has passed, and a late frame never skips one", () => {
  assert.deepEqual(tick(0, 400, 1000), { due: false, waited: 400 });
  assert.deepEqual(tick(900, 200, 1000), { due: true, waited: 100 });
  assert.deepEqual(tick(0, 60000, 1000), { due: true, waited: 500 });
});

test("the first frame only starts the clock, even when its time lies in the past", () => {
  const frames = fakeFrames();
  const clock = createClock(frames);
  const passed = [];
  clock.add((milliseconds) => passed.push(milliseconds));
  for (const now of [1000, 990, 1016]) frames.run(now);
  assert.deepEqual(passed, [0, 0, 26]);
});

test("the clock rests when nothing moves", () => {
  const frames = fakeFrames();
  const clock = createClock(frames);
  const task = () => clock.remove(task);
  clock.add(task);
  frames.run(0);
  assert.ok(frames.idle);
});

test("a journey ends at 1, also when it is cut short", () => {
  const frames = fakeFrames();
  const shares = [];
  const journey = createJourney(createClock(frames), (share) => shares.push(share));
  journey.start(100);
  for (const now of [0, 50, 120]) frames.run(now);
  assert.equal(shares[0], 0);
  assert.equal(shares.at(-1), 1);
  journey.start(100);
  journey.finish();
  assert.equal(shares.at(-1), 1);
  assert.ok(shares.every((share) => share >= 0 && share <= 1));
});

test("cubic-bezier(.4, 0, .2, 1) starts flat, ends flat and passes its known middle", () => {
  const ease = bezier(0.4, 0, 0.2, 1);
  assert.ok(ease(0) < 1e-6 && ease(1) > 1 - 1e-6);
  assert.ok(Math.abs(ease(0.5) - 0.7756) < 1e-3); // as browsers compute it
});

test("the player steps at once, keeps its pace, and stops at the end", () => {
  const frames = fakeFrames();
  const states = [];
  let t = 0;
  const player = createPlayer(createClock(frames), {
    length: () => 100,
    advance: () => (t += 1) < 3,
    changed: (playing) => states.push(playing),
  });
  player.play();
  player.play();
  for (let now = 0; now <= 1000; now += 20) frames.run(now);
  assert.equal(t, 3);
  assert.deepEqual(states, [true, false]);
});

test("speeds go from a quarter to eight and no further", () => {
  assert.equal(nextSpeed(1, 1), 2);
  assert.equal(nextSpeed(8, 1), 8);
  assert.equal(nextSpeed(0.25, -1), 0.25);
  assert.equal(duration(8, "step") * 8, duration(1, "step"));
});

const element = (...selectors) => ({
  matches: (list) =>
    list
      .split(",")
      .map((one) => one.trim())
      .some((one) => selectors.includes(one)),
});
const press = (key, path = [element("body")], more = {}, ours) => actionOf({ key, ...more }, path, ours);

test("keys do what the legend says", () => {
  const expected = {
    ArrowRight: "next",
    ArrowLeft: "back",
    PageDown: "next",
    PageUp: "back",
    ArrowUp: "coarser",
    ArrowDown: "finer",
    " ": "toggle",
    Home: "first",
    End: "last",
    "+": "faster",
    "-": "slower",
    f: "stageMode",
    "?": "legend",
    Escape: "escape",
  };
  for (const [key, action] of Object.entries(expected)) assert.equal(press(key), action);
  assert.equal(press("r"), null);
});

test("keys are quiet in text fields, in other controls, and with modifiers", () => {
  assert.equal(press("ArrowRight", [element("textarea")]), null);
  assert.equal(press("f", [element("[contenteditable=true]")]), null);
  assert.equal(press("ArrowRight", [element("[role=slider]")]), null);
  assert.equal(press("ArrowRight", [element("div"), element("[role=combobox]")]), null);
  assert.equal(press("f", undefined, { ctrlKey: true }), null);
});

test("space presses the button that has the focus; every other key works there", () => {
  assert.equal(press(" ", [element("button")]), null);
  assert.equal(press("ArrowRight", [element("button")]), "next");
});

test("our own slider is not somebody else's", () => {
  const slider = element("input:not([type=checkbox]):not([type=button]):not([type=submit])");
  assert.equal(
    press("ArrowRight", [slider], {}, (one) => one === slider),
    "next",
  );
  assert.equal(press("ArrowRight", [slider]), null);
});
