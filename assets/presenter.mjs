// The speaker's window: what the stage shows, the notes, what comes next, and a clock. It belongs to the stage that opened it.
//
// A page from disk may load nothing (export.py), and a style attribute counts as loading: the window's style is a sheet of its own.

import { attribute, html, setter, text } from "./dom.mjs";
import { clockText } from "./talk.mjs";

const NAME = "pcgraph-presenter";
const FEATURES = "popup,width=920,height=680";
const TICK = 500;

/**
 * Open the speaker's window; null where the browser blocks it. Call it from a key or a press.
 *
 * Returns {update({title, place, caption, notes, nextCaption, elapsed, theme}), focus(), close(), open}: `elapsed` is how many
 * milliseconds the talk has taken. onKey(event) is called for each key pressed in the window, onReset() when the clock starts anew,
 * onClose() once it is closed, by whomever.
 */
export function openPresenter({ say, theme = "light", lang = "en", onKey, onReset = () => {}, onClose = () => {} }) {
  const popup = window.open("", NAME, FEATURES);
  if (!popup) return null;
  const face = createFace(say, reset);
  let [started, open, shownTheme] = [Date.now(), true, theme];

  // A window that was loaded anew is empty again.
  function fill() {
    const page = popup.document;
    page.documentElement.dataset.theme = shownTheme;
    if (page.body.contains(face.element)) return;
    page.title = say("stage.presenter_title");
    page.documentElement.lang = lang;
    const sheet = new popup.CSSStyleSheet();
    sheet.replaceSync(STYLE);
    page.adoptedStyleSheets = [sheet];
    page.body.replaceChildren(face.element);
    popup.addEventListener("keydown", onKey);
  }

  function reset() {
    started = Date.now();
    onReset();
    face.clock(0);
  }

  // Loaded anew, or left for another site, the window is none of ours until it is sent back.
  function look() {
    try {
      fill();
      return true;
    } catch {
      popup.location.replace("about:blank");
      return false;
    }
  }

  function tick() {
    if (popup.closed) return ended();
    look();
    return face.clock(Date.now() - started);
  }

  function ended() {
    if (!open) return;
    open = false;
    clearInterval(timer);
    removeEventListener("pagehide", close);
    onClose();
  }

  function close() {
    if (!open) return;
    popup.close();
    ended();
  }

  const timer = setInterval(tick, TICK);
  addEventListener("pagehide", close);
  look();
  face.clock(0);
  return {
    get open() {
      return open && !popup.closed;
    },
    update({ elapsed, theme: next, ...told }) {
      if (!open || popup.closed) return ended();
      if (elapsed !== undefined) started = Date.now() - elapsed;
      if (next && next !== shownTheme) {
        shownTheme = next;
        look();
      }
      face.draw(told);
      face.clock(Date.now() - started);
    },
    focus: () => popup.focus(),
    close,
  };
}

function createFace(say, reset) {
  const part = (tag, name, attributes = {}) => html(tag, { class: name, ...attributes });
  const [title, place, caption, nextCaption] = [part("h1", "title"), part("p", "place"), part("p", "caption", { role: "status" }), part("p", "next")];
  const [elapsed, wall] = [part("span", "elapsed", { role: "timer", "aria-label": say("stage.presenter_elapsed") }), part("span", "wall")];
  const notes = part("div", "notes", { tabindex: 0, role: "region", "aria-label": say("stage.presenter_notes") });
  const again = html("button", { type: "button" }, say("stage.presenter_reset"));
  again.addEventListener("click", reset);
  const setters = { title: text(title), place: text(place), caption: text(caption), nextCaption: text(nextCaption) };
  const [setElapsed, setWall] = [text(elapsed), text(wall)];
  const setNotes = setter((words) => notes.replaceChildren(...paragraphs(words).map((one) => html("p", {}, one))));
  const setQuiet = attribute(notes, "data-empty");
  const element = html(
    "main",
    {},
    html("header", {}, html("div", {}, title, place), html("div", { class: "times" }, elapsed, again, wall)),
    html("section", { class: "now" }, html("h2", {}, say("stage.presenter_now")), caption),
    html("section", { class: "then" }, html("h2", {}, say("stage.presenter_next")), nextCaption),
    html("section", { class: "say" }, html("h2", {}, say("stage.presenter_notes")), notes),
    html("p", { class: "hint" }, say("stage.presenter_hint")),
  );
  return {
    element,
    draw(told) {
      for (const [name, set] of Object.entries(setters)) set(told[name] ?? "");
      const words = (told.notes ?? "").trim();
      setNotes(words || say("stage.presenter_no_notes"));
      setQuiet(String(!words));
    },
    clock(milliseconds) {
      setElapsed(clockText(milliseconds));
      setWall(new Date().toLocaleTimeString(document.documentElement.lang || undefined, { hour: "2-digit", minute: "2-digit" }));
    },
  };
}

/** Return the paragraphs of a plain text: an empty line parts them, a single line break stays in them. */
export const paragraphs = (words) =>
  words
    .split(/\n\s*\n/)
    .map((one) => one.trim())
    .filter(Boolean);

const STYLE = `
:root { color-scheme: light; --ink: #1f2937; --mute: #5b6472; --page: #fbfbfa; --surface: #fff; --line: #dfe3e8; --focus: #1d4ed8; }
:root[data-theme="dark"] { color-scheme: dark; --ink: #f3f4f6; --mute: #a3adbb; --page: #0f172a; --surface: #1e293b; --line: #334155; --focus: #93c5fd; }
* { box-sizing: border-box; margin: 0; }
html, body { height: 100%; }
body { background: var(--page); color: var(--ink); font: 18px/1.45 "Source Sans 3", "Source Sans Pro", system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
main { height: 100%; display: grid; gap: 12px; padding: 16px 20px; grid-template: auto auto 1fr auto / 1fr 1fr; }
header { grid-column: 1 / -1; display: flex; justify-content: space-between; align-items: start; gap: 16px; }
h1 { font-size: 22px; line-height: 1.25; } .place { color: var(--mute); font-variant-numeric: tabular-nums; }
h2 { font-size: 14px; font-weight: 500; letter-spacing: .04em; text-transform: uppercase; color: var(--mute); margin-bottom: 4px; }
.times { display: flex; align-items: center; gap: 12px; font-variant-numeric: tabular-nums; white-space: nowrap; }
.elapsed { font-size: 40px; line-height: 1; font-weight: 700; } .wall { font-size: 24px; color: var(--mute); }
section { background: var(--surface); border: 1px solid var(--line); border-radius: 12px; padding: 12px 16px; min-height: 0; overflow: auto; }
.now { min-height: 132px; } .caption { font-size: 22px; line-height: 1.35; } .next { color: var(--mute); font-size: 20px; line-height: 1.4; }
.say { grid-column: 1 / -1; display: flex; flex-direction: column; }
.notes { flex: 1; min-height: 0; overflow: auto; font-size: 24px; line-height: 1.45; white-space: pre-line; border-radius: 6px; }
.notes p + p { margin-top: .7em; } .notes[data-empty="true"] { color: var(--mute); font-size: 18px; }
.hint { grid-column: 1 / -1; color: var(--mute); font-size: 15px; }
button { min-height: 36px; padding: 0 12px; border: 1px solid var(--line); border-radius: 8px; background: var(--surface); color: inherit; font: inherit; font-size: 16px; cursor: pointer; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
@media (max-width: 640px) { main { grid-template: auto auto auto 1fr auto / 1fr; } header { flex-wrap: wrap; } }
`;
