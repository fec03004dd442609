import assert from "node:assert/strict";
import { test } from "node:test";
import { actionOf, detailOf, keyHandler } from "../../assets/keys.mjs";
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
    s: "springs",
    b: "blank",
    ".": "blank",
    l: "spotlight",
    n: "presenter",
    Escape: "escape",
  };
  for (const [key, action] of Object.entries(expected)) assert.equal(press(key), action);
  assert.equal(press("r"), null);
});

test("a digit is a bookmark, and with Shift it sets one, whatever Shift makes of it", () => {
  const digits = [
    [{ key: "3", code: "Digit3" }, { digit: 3, set: false }],
    [{ key: "#", code: "Digit3", shiftKey: true }, { digit: 3, set: true }],
    [{ key: "§", code: "Digit3", shiftKey: true }, { digit: 3, set: true }], // a German keyboard
    [{ key: '"', code: "Digit3" }, { digit: 3, set: false }], // a French one, where digits need Shift
    [{ key: "3", code: "Digit3", shiftKey: true }, { digit: 3, set: true }],
    [{ key: "7", code: "Numpad7" }, { digit: 7, set: false }],
    [{ key: "9" }, { digit: 9, set: false }], // a clicker that sends no code
  ];
  for (const [event, detail] of digits) {
    assert.equal(actionOf(event, [element("body")]), "bookmark");
    assert.deepEqual(detailOf(event), detail);
  }
  assert.equal(press("0", undefined, { code: "Digit0" }), null);
  assert.equal(press("-", undefined, { code: "Digit6" }), "slower"); // what a key prints comes first
  assert.equal(press("3", undefined, { code: "Digit3", ctrlKey: true }), null);
  assert.equal(press("3", [element("textarea")], { code: "Digit3" }), null);
});

const keydown = (key, more = {}) => {
  const event = { key, composedPath: () => [element("body")], stopped: 0, ...more };
  event.preventDefault = event.stopPropagation = () => (event.stopped += 1);
  return event;
};

test("on a black screen any key shows the picture again, and a modifier alone does nothing", () => {
  const done = [];
  let black = true;
  const handle = keyHandler((action) => void done.push(action), undefined, () => (black ? "blank" : null));
  for (const key of ["x", "PageDown", "b", "Shift", "Control"]) handle(keydown(key));
  assert.deepEqual(done, ["blank", "blank", "blank"]);
  handle(keydown("r", { ctrlKey: true })); // the browser's own
  black = false;
  handle(keydown("x"));
  handle(keydown("PageDown"));
  assert.deepEqual(done, ["blank", "blank", "blank", "next"]);
});

test("a key that is held down steps on, and does nothing else again", () => {
  const done = [];
  const handle = keyHandler((action) => void done.push(action));
  const held = keydown("b", { repeat: true });
  for (const event of [keydown("b"), held, keydown("ArrowRight"), keydown("ArrowRight", { repeat: true })]) handle(event);
  assert.deepEqual(done, ["blank", "next", "next"]);
  assert.equal(held.stopped, 2); // nobody else hears it either
});

test("a key whose action is refused stays the page's", () => {
  const event = keydown("b");
  keyHandler(() => false)(event);
  assert.equal(event.stopped, 0);
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

test("keys of an input method are its own", () => {
  for (const more of [{ isComposing: true }, { keyCode: 229 }]) {
    for (const key of ["Escape", " ", "f", "3"]) assert.equal(press(key, undefined, more), null, key);
    const event = keydown("x", more);
    keyHandler(() => assert.fail(), undefined, () => "blank")(event);
    assert.equal(event.stopped, 0);
  }
});

test("shortcuts go by the physical key where letters are not Latin", () => {
  const keys = [
    ["а", { code: "KeyF" }, "stageMode"], // Russian
    ["А", { code: "KeyF", shiftKey: true }, "stageMode"],
    ["σ", { code: "KeyS" }, "springs"], // Greek
    ["נ", { code: "KeyB" }, "blank"], // Hebrew
    ["ㅣ", { code: "KeyL" }, "spotlight"], // Korean
    ["؟", { code: "Slash", shiftKey: true }, "legend"], // Arabic
    ["−", {}, "slower"],
    ["é", { code: "KeyF" }, null], // Latin: what it prints
    ["к", { code: "KeyR" }, null],
  ];
  for (const [key, more, action] of keys) assert.equal(press(key, undefined, more), action, key);
});

test("every place in the row of digits brings its digit", () => {
  const rows = { AZERTY: "&é\"'(-è_ç", Czech: "+ěščřžýáí", Russian: "123456789", Arabic: "١٢٣٤٥٦٧٨٩" };
  for (const [name, row] of Object.entries(rows))
    for (const [i, key] of [...row].entries()) {
      const event = { key, code: `Digit${i + 1}` };
      assert.deepEqual(detailOf(event), { digit: i + 1, set: false }, name);
      assert.notEqual(actionOf(event, [element("body")]), null, name);
    }
  assert.equal(detailOf({ key: "End", code: "Numpad1" }), undefined);
  assert.equal(detailOf({ key: "+", code: "Digit1", shiftKey: true }), undefined); // Swiss
});
