// The bar under the curve: first, back, play, forward, last; grain, speed, stage mode, share, legend.

import { attribute, html, text } from "./dom.mjs";
import { icon } from "./icons.mjs";
import { ruler } from "./measure.mjs";
import { SPEEDS } from "./player.mjs";
import { PHASES } from "./position.mjs";
import { placeText } from "./talk.mjs";

/** Return the bar; each button calls `perform(action)`. */
export function createControls({ say, steps, perform, setGrain, setSpeed, share, buttons = [], folds = false, family }) {
  const iconButton = (name, action, key) =>
    button(
      html("button", { type: "button", class: "button", "aria-label": say(key), title: say(key) }, icon(name)),
      () => perform(action),
    );
  const play = button(html("button", { type: "button", class: "button play" }, icon("play"), icon("pause")), () =>
    perform("toggle"),
  );
  const back = [iconButton("first", "first", "stage.first"), iconButton("back", "back", "stage.back")];
  const on = [iconButton("next", "next", "stage.forward"), iconButton("last", "last", "stage.last")];
  const where = (t, phase) => placeText(say, steps, { t, phase });
  // Its room is that of the longest text it will hold, so that a step moves nothing around it.
  const width = ruler(`16px ${family}`);
  const longest = Math.max(...[null, ...PHASES].map((phase) => width(where(steps, phase))));
  const words = html("span");
  const place = html("p", { class: "place" }, words);
  place.style.width = `${Math.ceil(longest) + 8}px`; // digits of one width are a little wider
  const grain = select(
    say("stage.grain"),
    [
      ["step", say("stage.grain_step")],
      ["phases", say("stage.grain_phases")],
    ],
    setGrain,
  );
  const speed = select(
    say("stage.speed"),
    SPEEDS.map((one) => [String(one), say("stage.speed_times", { speed: String(one) })]),
    (value) => setSpeed(Number(value)),
  );
  const fold = folds ? iconButton("modules", "fold", "stage.fold") : null;
  const setFold = fold ? ["aria-label", "title"].map((name) => attribute(fold, name)) : [];
  const setPressedFold = fold ? attribute(fold, "data-folded") : () => {};
  fold?.append(icon("nodes"));
  const zoom = html(
    "div",
    { class: "zoom" },
    fold,
    iconButton("minus", "zoomOut", "stage.zoom_out"),
    iconButton("plus", "zoomIn", "stage.zoom_in"),
    iconButton("fit", "fit", "stage.fit"),
  );
  const full = button(html("button", { type: "button", class: "button" }, say("stage.stage_mode")), () =>
    perform("stageMode"),
  );
  const springs = button(
    html("button", { type: "button", class: "button toggle", "aria-keyshortcuts": "s" }, say("stage.springs")),
    () => perform("springs"),
  );
  const setSprings = attribute(springs, "aria-pressed");
  // For a speaker: seen in stage mode only.
  const wordButton = (name, action, keys) =>
    button(html("button", { type: "button", class: "button", "aria-keyshortcuts": keys }, say(name)), () => perform(action));
  const spotlight = wordButton("stage.spotlight", "spotlight", "l");
  const setSpotlight = attribute(spotlight, "aria-pressed");
  spotlight.classList.add("toggle");
  const talk = html(
    "div",
    { class: "controls-talk" },
    wordButton("stage.presenter", "presenter", "n"),
    spotlight,
    wordButton("stage.blank", "blank", "b"),
  );
  const copied = html("span", { class: "quiet-text", role: "status" });
  const more = buttons.map(({ key, press }) =>
    button(html("button", { type: "button", class: "button", title: say(`${key}_help`) }, say(key)), press),
  );
  const link = share
    ? button(html("button", { type: "button", class: "button share" }, say("stage.share")), () =>
        copy(share, link, copied, say),
      )
    : null;
  const help = button(
    html(
      "button",
      { type: "button", class: "button", "aria-label": say("stage.legend"), title: say("stage.legend") },
      "?",
    ),
    () => perform("legend"),
  );
  const element = html(
    "div",
    { class: "controls", role: "group", "aria-label": say("stage.controls") },
    html("div", { class: "controls-left" }, ...back, play, ...on, place),
    html("div", { class: "controls-right" }, zoom, grain.element, speed.element, springs, talk, full, ...more, link, help, copied),
  );

  const [setPlay, setTitle, setPressed] = [
    attribute(play, "aria-label"),
    attribute(play, "title"),
    attribute(play, "data-playing"),
  ];
  const setPlace = text(words);
  return {
    element,
    focusFold: () => fold?.focus(),
    draw({ t, phase, playing, speedNow, folded, springs: open, spotlight: lit }) {
      for (const set of setFold) set(say(folded ? "stage.unfold" : "stage.fold"));
      setPressedFold(String(folded));
      const name = say(playing ? "stage.pause" : "stage.play");
      setPlay(name);
      setTitle(name);
      setPressed(String(playing));
      setPlace(where(t, phase));
      setSprings(String(Boolean(open)));
      setSpotlight(String(Boolean(lit)));
      grain.set(phase ? "phases" : "step");
      speed.set(String(speedNow));
    },
  };
}

function button(element, press) {
  element.addEventListener("click", press);
  return element;
}

function select(label, options, choose) {
  const field = html("select", {}, ...options.map(([value, name]) => html("option", { value }, name)));
  field.addEventListener("change", () => choose(field.value));
  return {
    element: html("label", { class: "select" }, html("span", {}, label), field),
    set: (value) => {
      if (field.value !== value) field.value = value;
    },
  };
}

async function copy(share, link, copied, say) {
  const words = link.firstChild;
  try {
    await navigator.clipboard.writeText(share());
    words.data = say("stage.copied");
    copied.textContent = say("stage.copied");
  } catch {
    prompt(say("stage.copy_yourself"), share());
  }
  setTimeout(() => {
    words.data = say("stage.share");
  }, 1600);
}
