// A deck as a Streamlit component: mounted once, updated when its data changes.
//
// data: {show (as text), at, visit, lang}. Another number of `visit` goes to scene `at`. Trigger `kept`: {scene, state}, what
// the stage shows, to be kept as a scene. Nothing else is reported: walking the deck never goes back to Python.

import { createDeck } from "./deck.mjs";
import { loadMessages } from "./messages.mjs";
import { mountOnce } from "./mounting.mjs";
import { loadStyle } from "./style.mjs";

export default mountOnce(mount);

function mount(data, parentElement, setTriggerValue) {
  const host = document.createElement("div");
  parentElement.append(host);
  let [deck, latest, alive, send] = [null, data, true, setTriggerValue];
  const onKeep = (scene, { t, phase, selected, sight, springs, knows }) =>
    send("kept", { scene, t, phase, selected, sight, springs, knows });
  Promise.all(["stage.css", "deck.css"].map((sheet) => loadStyle(parentElement, sheet)))
    .then(() => loadMessages(latest.lang))
    .then((messages) => {
      if (alive) deck = createDeck(host, JSON.parse(latest.show), { at: latest.at, messages, lang: latest.lang, onKeep });
    });
  return {
    update(next, setTrigger) {
      const before = latest;
      [latest, send] = [next, setTrigger];
      deck?.setTheme();
      if (next.show !== before.show) deck?.setDeck(JSON.parse(next.show), next.visit === before.visit ? undefined : next.at);
      else if (next.visit !== before.visit) deck?.goTo(next.at);
    },
    unmount() {
      alive = false;
      deck?.destroy();
      host.remove();
    },
  };
}
