// The course's progress as a Streamlit component: tells Python once what this browser kept, then keeps what Python knows.
//
// data: {progress: {lesson: {scene: state}}, cleared: number, print: label or null, lang}. Trigger `kept`: the progress as text.

import { html } from "./dom.mjs";
import { mountOnce } from "./mounting.mjs";
import { clearProgress, readProgress, writeProgress } from "./progress.mjs";
import { browserStorage } from "./storage.mjs";
import { loadStyle } from "./style.mjs";
import { themeOf } from "./theme.mjs";

export default mountOnce(mount);

function mount(data, parentElement, setTriggerValue) {
  const button = html("button", { type: "button", class: "button" });
  button.addEventListener("click", () => print());
  const host = html("div", { class: "stage progress" }, button);
  let cleared = data.cleared;
  const kept = readProgress(browserStorage());
  if (Object.keys(kept).length) setTriggerValue("kept", JSON.stringify(kept));
  loadStyle(parentElement, "stage.css").then(() => parentElement.append(host));
  draw(data);

  function draw(next) {
    host.dataset.theme = themeOf(host);
    host.style.display = next.print ? "" : "none";
    button.textContent = next.print ?? "";
    if (next.cleared !== cleared) clearProgress(browserStorage());
    else if (Object.keys(next.progress).length) writeProgress(browserStorage(), next.progress);
    cleared = next.cleared;
  }
  return { update: draw, unmount: () => host.remove() };
}
