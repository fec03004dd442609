// The editor as a Streamlit component (Custom Components v2). docs/editor.md says what goes in and out.

import { createEditor } from "./editor.mjs";
import { meaning } from "./editor-document.mjs";
import { begin, push } from "./editor-history.mjs";
import { settled } from "./editor-place.mjs";
import { draftFor } from "./editor-store.mjs";
import { createSay, loadMessages } from "./messages.mjs";
import { mountOnce } from "./mounting.mjs";
import { loadStyle } from "./style.mjs";

let remembered = null; // the editor's state when it was last taken off the page: a visit to another page and back

export default mountOnce(mount);

function mount(data, parentElement, setTriggerValue) {
  const host = document.createElement("div");
  parentElement.append(host);
  let [editor, latest, send, alive] = [null, data, setTriggerValue, true];
  const ready = Promise.all([
    loadMessages(data.lang),
    loadStyle(parentElement, "stage.css"),
    loadStyle(parentElement, "editor.css"),
  ]);
  ready.then(([messages]) => {
    if (!alive) return;
    editor = createEditor(host, latest, {
      say: createSay(messages),
      lang: latest.lang,
      height: latest.height,
      state: startState(latest),
      onEdit: (edit) => send("edit", edit),
      onOpen: (file) => send("open", file),
      onChange: (state) => {
        remembered = { ...state, source: latest.source };
      },
    });
  });
  return {
    update(next, setTrigger) {
      [latest, send] = [next, setTrigger];
      editor?.setTheme();
      editor?.setData(next);
    },
    unmount() {
      alive = false;
      editor?.destroy();
      host.remove();
    },
  };
}

/** Return where to begin: what this page remembers, else the draft this browser keeps, where they grew from what Python gives. */
function startState(data) {
  if (remembered && meaning(remembered.history.present) === meaning(data.document))
    return { ...remembered, rev: Math.max(remembered.rev, data.rev ?? 0) };
  // Mounted anew while Python still reads an older edit: what is here is newer.
  if (remembered?.source === data.source && remembered.rev > (data.rev ?? 0)) return { ...remembered, unsent: true };
  const kept = draftFor(data.document);
  if (!kept) return {};
  const start = begin(settled(data.document));
  return { history: push(start, settled(kept)), rev: (data.rev ?? 0) + 1, unsent: true };
}
