// createDeck: a talk of saved scenes on one stage. A clicker steps through each scene and on to the next; digits jump.

import { ending, opening, walk } from "./deck-walk.mjs";
import { html, text } from "./dom.mjs";
import { createSay, loadMessages } from "./messages.mjs";
import { stepsOf } from "./position.mjs";
import { createStage } from "./stage.mjs";

/**
 * Draw a deck (`pcgraph/ui/deck.py`, `show`) into an element.
 *
 * options: at (the first scene, from 0); kept: {t, asking}, how far it is; stageMode: as for createStage; onPlace({scene, asking, t, stageMode}): called after each change; messages, lang: as for createStage; onKeep(scene, state): offers a button that keeps what the
 * stage shows as the scene. Returns {goTo(scene), setDeck(deck, at, kept), resume(), setConnected(connected), setTheme(), destroy()}.
 */
export function createDeck(element, deck, options = {}) {
  deck = ended(deck);
  const clamp = (scene) => Math.min(Math.max(Math.round(scene) || 0, 0), deck.scenes.length - 1);
  let place = openingAt(options.at ?? 0, options.kept);
  let [stage, head, alive] = [null, null, true];

  if (options.messages) start(options.messages);
  else loadMessages(options.lang).then(start);

  // Where a scene opens, or goes on as `kept` {t, asking} says.
  function openingAt(scene, kept) {
    const first = opening(deck, clamp(scene));
    if (!kept || kept.asking) return first;
    return { ...first, asking: false, t: Math.max(first.t, Math.min(kept.t, ending(deck, first.scene).t)) };
  }

  function start(messages) {
    if (!alive) return;
    const say = createSay(messages);
    head = createHead(say, {
      present: () => stage.stageMode(),
      move: (by) => goTo(place.scene + by),
      keep: options.onKeep && (() => options.onKeep(place.scene, { ...stage.state, sight: stage.sight })),
    });
    const [payload, where] = shown();
    stage = createStage(element, payload, {
      ...where,
      messages,
      lang: options.lang,
      quiet: true,
      above: head.element,
      onAction,
      stageMode: options.stageMode,
      onChange: ({ t, stageMode }) => {
        head.pass(deck, place, t);
        options.onPlace?.({ scene: place.scene, asking: place.asking, t, stageMode });
      },
      presents,
    });
    head.draw(deck, place);
  }

  // What the stage shows at a place: a payload that answers no open question, and where it stands.
  function shown(more = {}) {
    const scene = deck.scenes[place.scene];
    const payload = deck.payloads[place.asking ? scene.asks.payload : scene.payload];
    const { selected, springs, knows, sight } = scene;
    return [payload, { t: place.t, phase: place.phase, selected, springs, knows, view: sight, bookmarks: {}, ...more }];
  }

  function goTo(scene) {
    enter(opening(deck, clamp(scene)));
  }

  function enter(next) {
    const before = place;
    place = next;
    const answered = before.asking && !place.asking && before.scene === place.scene;
    if (answered) {
      // The answer is seen to happen: the whole payload at the step of the question, then on.
      const { t } = deck.scenes[place.scene];
      stage.setPayload(...shown({ t, selected: stage.state.selected, view: undefined }));
      if (place.t > t) stage.forward(place.t);
    } else stage.setPayload(...shown());
    head.draw(deck, place);
    return true;
  }

  function onAction(action, detail) {
    // With Shift too: on some keyboards a digit needs it.
    const scene = detail?.digit ?? Infinity;
    if (scene <= deck.scenes.length) goTo(scene - 1);
    if (scene <= deck.scenes.length || action === "bookmark") return true;
    // The buttons under the picture step within the scene, and beyond it; keys and clickers walk the deck.
    if (!detail?.key || (action !== "next" && action !== "back")) return false;
    const { t, phase } = stage.state;
    place = { ...place, t, phase };
    const { to, step } = walk(deck, place, action);
    if (step) return false;
    return to ? enter(to) : true;
  }

  function presents() {
    const scene = deck.scenes[place.scene];
    const after = deck.scenes[place.scene + 1];
    const end = place.asking || stage?.state.t < ending(deck, place.scene).t;
    return {
      title: head.title(deck, place),
      notes: scene.notes,
      ...(end || !after ? {} : { nextCaption: after.title }),
    };
  }

  return {
    goTo,
    /** Play another state of the deck; the scene stays, or is the one asked for. */
    setDeck(next, at = place.scene, kept = null) {
      deck = ended(next);
      place = openingAt(at, kept);
      if (stage) enter(place);
    },
    resume: () => stage?.resume(),
    setConnected: (connected) => stage?.setConnected(connected),
    setTheme: () => stage?.setTheme(),
    destroy() {
      alive = false;
      stage?.destroy();
    },
  };
}

// No scene walks beyond the last step of what it shows.
const ended = (deck) => ({
  ...deck,
  scenes: deck.scenes.map((scene) => ({ ...scene, until: Math.min(scene.until, stepsOf(deck.payloads[scene.payload])) })),
});

// The lines over the picture: which scene of how many, its title and caption, and its question.
function createHead(say, { present, move, keep }) {
  const words = Object.fromEntries(["place", "title", "caption", "question", "rule"].map((name) => [name, html("span")]));
  const set = Object.fromEntries(Object.entries(words).map(([name, element]) => [name, text(element)]));
  const button = (key, press, name = "button") => {
    const element = html("button", { type: "button", class: name }, say(key));
    element.addEventListener("click", press);
    return element;
  };
  const options = html("ol", { class: "deck-options" });
  const rule = html("p", { class: "deck-rule" }, words.rule);
  const caption = html("p", { class: "deck-caption" }, words.caption);
  const question = html(
    "div",
    { class: "deck-question", role: "group", "aria-live": "polite" },
    html("p", {}, words.question),
    options,
    rule,
  );
  const tools = html(
    "div",
    { class: "deck-tools" },
    button("deck.previous", () => move(-1)),
    button("deck.next", () => move(1)),
    keep ? button("deck.keep", keep) : null,
    button("deck.present", present, "button play"),
  );
  const element = html(
    "div",
    { class: "deck-head" },
    html(
      "div",
      { class: "deck-line" },
      html("p", { class: "deck-place" }, words.place),
      html("h2", {}, words.title),
      tools,
    ),
    caption,
    question,
  );
  const placeText = (deck, { scene }) => say("deck.place", { at: scene + 1, count: deck.scenes.length });
  return {
    element,
    // Once the stage has gone on, the question leaves its room to the picture.
    pass(deck, place, t) {
      const { asks } = deck.scenes[place.scene];
      question.hidden = !asks || (!place.asking && t > asks.reveals);
    },
    title: (deck, place) => `${placeText(deck, place)} · ${deck.scenes[place.scene].title}`,
    draw(deck, place) {
      const { title, caption: told, asks } = deck.scenes[place.scene];
      set.place(placeText(deck, place));
      set.title(title);
      set.caption(told);
      caption.hidden = !told;
      element.dataset.scene = String(place.scene + 1);
      element.dataset.asking = String(place.asking);
      question.hidden = !asks;
      if (!asks) return;
      set.question(asks.question);
      options.replaceChildren(
        ...asks.options.map((option, i) =>
          html("li", { class: place.asking ? "" : asks.right.includes(i) ? "right" : "wrong" }, option),
        ),
      );
      rule.hidden = place.asking || !asks.rule;
      set.rule(asks.rule);
    },
  };
}
