// A button that opens a text file, as a Streamlit component: the browser reads it, so no upload is needed, which in a frame of another
// site would be refused.
//
// data: {label, accept, most: bytes, long: the key of the sentence for more, lang}. Trigger `read`: the file's text. A file may be dropped on it.

import { html, text } from "./dom.mjs";
import { createSay, loadMessages } from "./messages.mjs";
import { mountOnce } from "./mounting.mjs";
import { readFile } from "./read-file.mjs";
import { loadStyle } from "./style.mjs";
import { themeOf } from "./theme.mjs";

export default mountOnce(mount);

function mount(data, parentElement, setTriggerValue) {
  let [latest, send] = [data, setTriggerValue];
  const chooser = html("input", { type: "file", accept: data.accept, hidden: true });
  const button = html("button", { type: "button", class: "button" });
  const wrong = html("p", { class: "wrong", role: "alert" });
  const host = html("div", { class: "stage file" }, chooser, button, wrong);
  const setLabel = text(button);

  async function open(file) {
    if (!file) return;
    const found = await readFile(file, latest.most);
    if (found.text !== undefined) send("read", found.text);
    const key = found.key === "error.limit.file" ? latest.long : found.key;
    wrong.textContent = key ? createSay(await loadMessages(latest.lang))(key, found.slots) : "";
  }
  button.addEventListener("click", () => chooser.click());
  chooser.addEventListener("change", () => {
    open(chooser.files[0]);
    chooser.value = ""; // so that the same file can be opened again
  });
  host.addEventListener("dragover", (event) => event.preventDefault());
  host.addEventListener("drop", (event) => {
    event.preventDefault();
    open(event.dataTransfer.files[0]);
  });
  loadStyle(parentElement, "stage.css").then(() => parentElement.append(host));
  draw(data);

  function draw(next) {
    host.dataset.theme = themeOf(host);
    setLabel(next.label);
  }
  return {
    update(next, setTrigger) {
      [latest, send] = [next, setTrigger];
      draw(next);
    },
    unmount: () => host.remove(),
  };
}
