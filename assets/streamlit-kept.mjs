// A text that this browser keeps for a visitor's next visit, as a Streamlit component: told to Python once, then kept as Python says.
//
// data: {text: null until Python has heard, then what to keep}. Trigger `kept`: the text, "" where there is none.

import { mountOnce } from "./mounting.mjs";

const KEY = "pcgraph.deck";

export default mountOnce(mount);

function mount(data, parentElement, setTriggerValue) {
  if (data.text === null) setTriggerValue("kept", read(localStorage));
  write(data);
  return { update: write, unmount() {} };
}

/** Return the text kept in a storage, "" where there is none or it can't be read. */
function read(storage) {
  try {
    return storage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

function write({ text }) {
  if (text === null || text === undefined) return;
  try {
    localStorage.setItem(KEY, text);
  } catch {
    // A browser may refuse storage; then the deck lasts as long as the page.
  }
}
