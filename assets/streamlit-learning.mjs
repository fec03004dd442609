// Learning curves and pictures as a Streamlit component (Custom Components v2): mounted once, drawn anew as they grow.
//
// Plotly's charts are built again from nothing at every change of data, which leaves the page blank once a second.

import { createLearning } from "./learning.mjs";
import { mountOnce } from "./mounting.mjs";
import { loadStyle } from "./style.mjs";

export default mountOnce(mount);

function mount(data, parentElement) {
  const host = document.createElement("div");
  parentElement.append(host);
  let [learning, latest, alive] = [null, data, true];
  loadStyle(parentElement, "learning.css").then(() => {
    if (alive) learning = createLearning(host, latest);
  });
  return {
    update(next) {
      latest = next;
      learning?.update(next);
    },
    unmount() {
      alive = false;
      learning?.destroy();
      host.remove();
    },
  };
}
