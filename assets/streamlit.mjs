// The stage as a Streamlit component (Custom Components v2): mounted once, updated when its data changes.
//
// data: {payload (as text), t, resets, asks, saves, first, last, loop, playing, phase, lang, messages, lanes, selected, springs, quiet, spot, height}; another number of `resets` goes
// back to step t. Nothing is reported to Python while stepping; the step is written into the page's address, where a
// reload and a shared link find it.

import { watchConnection } from "./connection.mjs";
import { loadMessages } from "./messages.mjs";
import { createStage } from "./stage.mjs";
import { mountOnce } from "./mounting.mjs";
import { keepForReload, keptForReload } from "./reload.mjs";
import { loadStyle } from "./style.mjs";

const remembered = new Map(); // problem → where its stage stood, for when Streamlit mounts it again
const tables = new Map();

export default mountOnce(mount);

const read = (data) => ({ ...data, text: data.payload, payload: JSON.parse(data.payload) });

function mount(given, parentElement, setTriggerValue) {
  const data = read(given);
  const host = document.createElement("div");
  parentElement.append(host);
  let [stage, latest, alive, send, connected] = [null, data, true, setTriggerValue, true];
  // While Python asks for a node, the one that is pressed is the answer; its card would say too much.
  const onSelect = (name) => {
    if (latest.asks) send("picked", name);
    return !latest.asks;
  };
  const onChange = (state) => {
    remembered.set(latest.payload.problem, { asked: latest.t, resets: latest.resets, state: { ...state } });
    writeLink(state);
  };
  const stopWatching = watchConnection((next) => stage?.setConnected((connected = next)));
  Promise.all([loadStyle(parentElement, "stage.css"), tableOf(data)]).then(([, messages]) => {
    if (alive) stage = createStage(host, latest.payload, { ...optionsOf(latest), messages, onSelect, onChange, buttons: buttons() });
    point(stage, latest);
    stage?.setConnected(connected);
  });
  // What the stage shows goes to Python only when one of these is pressed.
  function buttons() {
    if (!latest.saves) return [];
    const tell = (name) => () => {
      const { t, phase, selected, springs, knows } = stage.state;
      send(name, { t, phase, selected, springs, knows, sight: stage.sight });
    };
    return ["scene", "export"].map((name) => ({ key: `stage.${name}`, press: tell(name) }));
  }
  return {
    update(data, setTrigger) {
      send = setTrigger;
      const before = latest;
      const next = data.payload === before.text ? { ...data, text: before.text, payload: before.payload } : read(data);
      latest = next;
      stage?.setTheme();
      point(stage, next);
      stage?.setPayload(next.payload, changedOptions(before, next));
    },
    unmount() {
      alive = false;
      stopWatching();
      stage?.destroy();
      host.remove();
    },
  };
}

// What the tour speaks of now.
function point(stage, { spot = "" }) {
  if (stage) stage.root.dataset.spot = spot;
}

function tableOf({ lang = "en", messages }) {
  if (messages) return messages;
  if (!tables.has(lang)) tables.set(lang, loadMessages(lang));
  return tables.get(lang);
}

// What was remembered wins over Python's first step, until Python asks for another one.
function optionsOf(data) {
  const saved = remembered.get(data.payload.problem);
  const start =
    saved && saved.asked === data.t && saved.resets === data.resets
      ? saved.state
      : { t: data.t ?? 0, phase: data.phase ?? null, selected: data.selected ?? null, springs: data.springs };
  return {
    ...start,
    stageMode: Boolean(keptForReload("stageMode")),
    lanes: data.lanes,
    lang: data.lang,
    height: data.height,
    first: data.first,
    last: data.last,
    loop: data.loop,
    playing: data.playing,
    quiet: data.quiet,
    share: data.saves ? null : () => linkWith(currentStep), // else the button leads to the page Share
  };
}

function changedOptions(before, next) {
  const changed = {};
  for (const name of ["t", "phase", "selected", "springs", "lanes"]) {
    if (JSON.stringify(before[name]) !== JSON.stringify(next[name])) changed[name] = next[name];
  }
  if (next.payload.problem !== before.payload.problem) Object.assign(changed, optionsOf(next));
  if (next.resets !== before.resets) {
    changed.t = next.t ?? 0;
    for (const name of ["selected", "springs"]) if (name in next) changed[name] = next[name];
  }
  return changed;
}

// ---- the address

const QUIET = 300;
let [timer, currentStep] = [null, 0];

/** Return the page's address with step t in it; every other parameter stays. */
function linkWith(t, address = location.href) {
  const link = new URL(address);
  link.searchParams.set("t", String(t));
  return link.href;
}

// Once the stage rests: writing costs more than a step, and browsers refuse to do it often.
function writeLink({ t, stageMode }) {
  currentStep = t;
  clearTimeout(timer);
  timer = setTimeout(() => {
    const same = linkWith(currentStep) === location.href && stageMode === Boolean(keptForReload("stageMode"));
    if (!same) keepForReload({ stageMode }, linkWith(currentStep));
  }, QUIET);
}
