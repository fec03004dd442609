// A deck as a Streamlit component: mounted once, updated when its data changes.
//
// data: {show (as text), at, visit, lang}. Another number of `visit` goes to scene `at`. Trigger `kept`: {scene, state}, what
// the stage shows, to be kept as a scene. Nothing else is reported: walking the deck never goes back to Python.

import { watchConnection } from "./connection.mjs";
import { createDeck } from "./deck.mjs";
import { loadMessages } from "./messages.mjs";
import { mountOnce } from "./mounting.mjs";
import { keepForReload, keptForReload } from "./reload.mjs";
import { loadStyle } from "./style.mjs";

const QUIET = 300; // ms; browsers refuse to write into their history often

export default mountOnce(mount);

// What tells one deck from another.
const nameOf = ({ title, scenes }) => `${scenes.length} ${title}`;

function mount(data, parentElement, setTriggerValue) {
  const host = document.createElement("div");
  parentElement.append(host);
  let [deck, latest, alive, send, connected, timer] = [null, data, true, setTriggerValue, true, null];
  let before = keptForReload("deck"); // where the talk was before the page was loaded again
  const onKeep = (scene, { t, phase, selected, sight, springs, knows }) =>
    send("kept", { scene, t, phase, selected, sight, springs, knows });
  const onPlace = (place) => {
    clearTimeout(timer);
    timer = setTimeout(() => keepForReload({ deck: { name: nameOf(JSON.parse(latest.show)), ...place } }), QUIET);
  };
  const stopWatching = watchConnection((next) => deck?.setConnected((connected = next)));
  // One's own deck comes a moment after another one: what was kept waits for it.
  function placeIn(show, at) {
    if (before?.name !== nameOf(show)) return { at };
    const { scene, stageMode, ...kept } = before;
    before = null;
    return { at: scene, kept, stageMode };
  }
  Promise.all(["stage.css", "deck.css"].map((sheet) => loadStyle(parentElement, sheet)))
    .then(() => loadMessages(latest.lang))
    .then((messages) => {
      if (!alive) return;
      const show = JSON.parse(latest.show);
      deck = createDeck(host, show, { ...placeIn(show, latest.at), messages, lang: latest.lang, onKeep, onPlace });
      deck.setConnected(connected);
    });
  return {
    update(next, setTrigger) {
      const { show, visit } = latest;
      [latest, send] = [next, setTrigger];
      deck?.setTheme();
      if (next.show !== show) {
        const shown = JSON.parse(next.show);
        const { at, kept, stageMode } = placeIn(shown, next.visit === visit ? undefined : next.at);
        deck?.setDeck(shown, at, kept);
        if (stageMode) deck?.resume();
      } else if (next.visit !== visit) deck?.goTo(next.at);
    },
    unmount() {
      alive = false;
      clearTimeout(timer);
      stopWatching();
      deck?.destroy();
      host.remove();
    },
  };
}
