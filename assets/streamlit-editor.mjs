// The editor as a Streamlit component (Custom Components v2). docs/editor.md says what goes in and out.

import { html } from "./dom.mjs";
import { createEditor } from "./editor.mjs";
import { meaning } from "./editor-document.mjs";
import { drawable } from "./editor-drawable.mjs";
import { begin, push } from "./editor-history.mjs";
import { settled } from "./editor-place.mjs";
import { draftFor } from "./editor-store.mjs";
import { createSay, loadMessages } from "./messages.mjs";
import { mountOnce } from "./mounting.mjs";
import { loadStyle } from "./style.mjs";
import { themeOf } from "./theme.mjs";

let remembered = null; // the editor's state when it was last taken off the page: a visit to another page and back

export default mountOnce(mount);

const read = (data) => ({ ...data, document: drawable(data.document) });

function mount(given, parentElement, setTriggerValue) {
  const host = document.createElement("div");
  parentElement.append(host);
  let [editor, latest, send, alive] = [null, read(given), setTriggerValue, true];
  const ready = Promise.all([
    loadMessages(latest.lang),
    loadStyle(parentElement, "stage.css"),
    loadStyle(parentElement, "editor.css"),
  ]);
  ready.then(([messages]) => {
    if (!alive) return;
    const say = createSay(messages);
    const kept = remembered ? null : draftFor(latest.document);
    const offered = kept && openedByLink();
    create(say, offered ? {} : startState(latest));
    if (offered) host.before(offer(say, themeOf(host), () => restart(say, kept)));
  });
  function create(say, state) {
    editor = createEditor(host, latest, {
      say,
      lang: latest.lang,
      height: latest.height,
      state,
      onEdit: (edit) => send("edit", edit),
      onOpen: (file) => send("open", file),
      onChange: (state) => {
        remembered = { ...state, source: latest.source };
      },
    });
  }
  function restart(say, kept) {
    editor.destroy();
    create(say, grown(latest, kept));
  }
  return {
    update(next, setTrigger) {
      [latest, send] = [read(next), setTrigger];
      editor?.setTheme();
      editor?.setData(latest);
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
  return kept ? grown(data, kept) : {};
}

const grown = (data, kept) => ({
  history: push(begin(settled(data.document)), settled(kept)),
  rev: (data.rev ?? 0) + 1,
  unsent: true,
});

/** Tell whether this page was opened by a link that says what to show, and not loaded again. */
function openedByLink() {
  const [opening] = performance.getEntriesByType("navigation");
  const { pathname, searchParams } = new URL(opening.name);
  return opening.type === "navigate" && pathname.endsWith("/build") && ["d", "p", "f"].some((part) => searchParams.has(part));
}

/** Return a line that offers the draft this browser keeps; the link's graph is shown meanwhile. */
function offer(say, theme, take) {
  const button = html("button", { type: "button", class: "button" }, say("editor.draft_take"));
  const line = html("div", { class: "stage offer", "data-theme": theme }, html("span", { role: "status" }, say("editor.draft_kept")), button);
  button.addEventListener("click", () => {
    line.remove();
    take();
  });
  return line;
}
