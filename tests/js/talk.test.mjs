// Before an audience: what the speaker reads, bookmarks, the spotlight, the view on another screen, a screen kept awake.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { bookmarkNow, bookmarkTicks } from "../../assets/bookmarks.mjs";
import { createSay } from "../../assets/messages.mjs";
import { paragraphs } from "../../assets/presenter.mjs";
import { neighbourhood } from "../../assets/spotlight.mjs";
import { clockText, placeText, talkOf } from "../../assets/talk.mjs";
import { carried } from "../../assets/viewport.mjs";
import { createWakeLock } from "../../assets/wakelock.mjs";

const say = createSay(JSON.parse(readFileSync(new URL("../../assets/messages/en.json", import.meta.url), "utf8")));
const captions = [0, 1, 2].map((t) => ({ key: "explain.still", slots: { node: `n${t}` } }));
const told = (t) => `n${t} did not move in this step.`;
const payload = {
  title: "Three steps",
  nodes: ["x", "w", "h", "y"].map((name) => ({ name })),
  edges: [["x", "h"], ["w", "h"], ["h", "y"]].map(([from, to]) => ({ from, to, slot: 0 })),
  lanes: [{ steps: 2, captions, method: "zil" }],
  compare: null,
};
const talk = (t, more = {}) => talkOf({ payload, lanes: [0], say, position: { t, phase: null }, ...more });

test("the speaker reads this step, the next one, and the notes", () => {
  const seen = talk(1, { notes: "Ask the room." });
  assert.deepEqual(seen, {
    title: "Three steps",
    place: "step 1 of 2",
    caption: told(1),
    notes: "Ask the room.",
    nextCaption: told(2),
  });
  assert.equal(talk(2).nextCaption, say("stage.presenter_end"));
  assert.equal(talk(0).notes, "");
});

test("in a step's phases the next one is the next phase", () => {
  const seen = talkOf({ payload, lanes: [0], say, position: { t: 1, phase: "predict" } });
  assert.equal(seen.place, "step 1 of 2 · predict");
  assert.equal(seen.nextCaption, say("stage.phase_error"));
});

test("what a deck tells wins over what the stage tells, and only that", () => {
  const seen = talk(1, { notes: "mine", more: { title: "Scene 3", notes: "", nextCaption: undefined, place: null } });
  assert.deepEqual([seen.title, seen.notes, seen.nextCaption, seen.place], ["Scene 3", "", told(2), "step 1 of 2"]);
  assert.equal(talk(1, { more: undefined }).title, "Three steps");
});

test("a place is said in the reader's words", () => {
  assert.equal(placeText(say, 4, { t: 2, phase: null }), "step 2 of 4");
});

test("the clock counts minutes, and hours when it comes to that", () => {
  const shown = { 0: "0:00", 999: "0:00", 7000: "0:07", 750_000: "12:30", 3_599_999: "59:59", 3_723_000: "1:02:03", "-5": "0:00" };
  for (const [milliseconds, text] of Object.entries(shown)) assert.equal(clockText(Number(milliseconds)), text);
});

test("notes are paragraphs of plain text", () => {
  assert.deepEqual(paragraphs("One\nline.\n\n  \n<b>Two</b>\n"), ["One\nline.", "<b>Two</b>"]);
  assert.deepEqual(paragraphs("  "), []);
});

test("a bookmark keeps the step, the selection, the view and whether modules are folded, and nothing else", () => {
  const state = { t: 3, phase: "move", selected: "b", view: { x: 1 }, folded: false, speed: 2, playing: true, bookmarks: {} };
  assert.deepEqual(bookmarkNow(state), { t: 3, phase: "move", selected: "b", view: { x: 1 }, folded: false });
});

test("bookmarks lie on the clock in its order, those of one step together, none beyond its end", () => {
  const bookmarks = { 4: { t: 0 }, 1: { t: 2 }, 3: { t: 9 }, 2: { t: 2 } };
  assert.deepEqual(bookmarkTicks(bookmarks, 5), [
    { t: 0, digits: ["4"] },
    { t: 2, digits: ["1", "2"] },
    { t: 5, digits: ["3"] },
  ]);
  assert.deepEqual(bookmarkTicks({}, 5), []);
});

test("in the spotlight lie a node, its inputs and its users", () => {
  assert.deepEqual(neighbourhood(payload, "h"), new Set(["h", "x", "w", "y"]));
  assert.deepEqual(neighbourhood(payload, "y"), new Set(["y", "h"]));
  assert.equal(neighbourhood(payload, null), null);
  assert.equal(neighbourhood(payload, "gone"), null);
});

test("on another screen a view shows as much of the width about the same middle", () => {
  const small = { w: 800, h: 426, header: 26 };
  const large = { w: 1600, h: 840, header: 40 };
  const view = { x: -100, y: 30, k: 1.5, board: small };
  const seen = carried(view, large);
  assert.equal(seen.k, 3);
  const at = ({ x, y, k }, [px, py]) => [(px - x) / k, (py - y) / k];
  assert.deepEqual(at(seen, [800, 440]), at(view, [400, 226]));
  assert.deepEqual(carried(view, small), { x: -100, y: 30, k: 1.5 });
});

test("a view is never carried so small that its numbers cannot be read", () => {
  const board = { w: 800, h: 426, header: 26 };
  const seen = carried({ x: 0, y: 0, k: 1, board }, { w: 400, h: 426, header: 26 }, 24 / 17);
  assert.equal(seen.k, 24 / 17);
});

function stand({ visible = "visible" } = {}) {
  const listeners = new Set();
  const [asked, released] = [[], []];
  const page = {
    visibilityState: visible,
    addEventListener: (_, listener) => listeners.add(listener),
    removeEventListener: (_, listener) => listeners.delete(listener),
  };
  const wakeLock = {
    async request(kind) {
      const lost = [];
      const lock = { lost, addEventListener: (_, listener) => lost.push(listener), release: async () => released.push(lock) };
      asked.push([kind, lock]);
      return lock;
    },
  };
  return { page, wakeLock, asked, released, listeners };
}

test("the screen is kept awake while wanted, anew after the page was hidden, and let go at the end", async () => {
  const { page, wakeLock, asked, released, listeners } = stand();
  const awake = createWakeLock({ wakeLock, page });
  await awake.set(true);
  assert.deepEqual(asked.map(([kind]) => kind), ["screen"]);
  asked[0][1].lost.forEach((listener) => listener()); // hidden: the browser lets go
  page.visibilityState = "visible";
  await Promise.all([...listeners].map((listener) => listener()));
  assert.equal(asked.length, 2);
  await awake.set(false);
  assert.deepEqual(released, [asked[1][1]]);
  assert.equal(listeners.size, 0);
});

test("no lock, a refused one, or one that comes too late: nothing breaks", async () => {
  await createWakeLock({ wakeLock: null, page: stand().page }).set(true);
  const refusing = { request: async () => Promise.reject(new Error("low battery")) };
  await createWakeLock({ wakeLock: refusing, page: stand().page }).set(true);
  const { page, wakeLock, asked, released } = stand();
  const awake = createWakeLock({ wakeLock, page });
  const coming = awake.set(true);
  await awake.set(false);
  await coming;
  assert.deepEqual(released, [asked[0][1]]);
});
