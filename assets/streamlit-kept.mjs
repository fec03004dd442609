// A text that this browser keeps for a visitor's next visit, as a Streamlit component: told to Python once, then kept as Python says.
//
// data: {text: null until Python has heard, then what to keep}. Trigger `kept`: the text, "" where there is none.

import { mountOnce } from "./mounting.mjs";
import { keepText, keptText } from "./storage.mjs";

const KEY = "pcgraph.deck";

export default mountOnce(mount);

function mount(data, parentElement, setTriggerValue) {
  if (data.text === null) setTriggerValue("kept", keptText(KEY) ?? "");
  write(data);
  return { update: write, unmount() {} };
}

function write({ text }) {
  if (text !== null && text !== undefined) keepText(KEY, text);
}
