// createStage: puts the picture, the card, the curve and the controls together around one position {t, phase}.

import { createBoard } from "./board.mjs";
import { createControls } from "./controls.mjs";
import { createEnergy } from "./energy.mjs";
import { attribute, html, text } from "./dom.mjs";
import { explainStep } from "./explain.mjs";
import { opensFolded } from "./folding.mjs";
import { createFullStage } from "./fullstage.mjs";
import { createInspector } from "./inspector.mjs";
import { listenKeys } from "./keys.mjs";
import { createLegend } from "./legend.mjs";
import { marksOf } from "./marks.mjs";
import { createSay, loadMessages } from "./messages.mjs";
import { createClock, createJourney, reducedMotion } from "./motion.mjs";
import { chainAt } from "./origin.mjs";
import { createPlayer, duration, nextSpeed } from "./player.mjs";
import { atGrain, clampStep, first, isLast, last, next, previous, stepsOf } from "./position.mjs";
import { NARROW, watchRoom } from "./room.mjs";
import { createSprings } from "./springs.mjs";
import { themeOf } from "./theme.mjs";

const BELOW = 80 + 38 + 16; // curve, controls and the gaps between

/**
 * Draw a payload (docs/payload.md) into an element.
 *
 * options: t, phase ("step" or "phases" grain is told by phase), selected, speed, playing: where to start;
 * lanes: indices of the lanes to show (default all); messages: the table of sentences (default: fetched);
 * quiet: whether the card stays away until a node is selected; springs: whether the springs view is open; theme: "light", "dark" (default: read from the page); lang; share(): the link to copy; onChange(state): called after each change; onSelect(name): before a node is selected; false keeps it from being so.
 */
export function createStage(element, payload, options = {}) {
  const root = html("div", { class: options.quiet ? "stage quiet" : "stage", "data-testid": "stage", lang: options.lang ?? "en" });
  const clock = createClock();
  const state = {
    t: clampStep(options.t ?? 0, stepsOf(payload)),
    phase: options.phase ?? null,
    selected: options.selected ?? null,
    speed: options.speed ?? 1,
    playing: Boolean(options.playing),
    view: options.view ?? null,
    folded: options.folded ?? opensFolded(payload),
    springs: Boolean(options.springs),
    origin: options.origin ?? null, // the chain that is open: {lane, trail}
    knows: Boolean(options.knows), // whether what the selected node did not read is faded
  };
  state.origin = chainAt(payload, state.origin, state.t, state.phase);
  let [say, parts, alive, size] = [null, null, true, { width: 0, height: 600 }];
  let marked = false;
  element.append(root);
  root.dataset.theme = options.theme ?? themeOf(root);

  const journey = createJourney(
    clock,
    (share) => parts?.board.travel(share),
    (moving) => data.moving(String(moving)),
  );
  const player = createPlayer(clock, {
    length: () => duration(state.speed, state.phase ? "phases" : "step"),
    advance,
    changed: playingChanged,
  });
  const data = Object.fromEntries(
    ["method", "t", "steps", "phase", "playing", "selected", "moving"].map((name) => [
      name,
      attribute(root, `data-${name}`),
    ]),
  );
  const full = createFullStage(root, () => {
    room.look();
    layout();
  });
  const room = watchRoom(root, ({ width, height }) => {
    size = { width, height };
    layout();
  });
  const stopKeys = listenKeys(root, perform, (one) => root.contains(one) && !one.matches("select, [role=scrollbar]"));
  let measured = null; // sizes of board and curve, as last seen
  const boardSize = new ResizeObserver(([{ contentRect: { width: w, height: h } }]) => {
    measured = { ...measured, board: { w, h } };
    resizeBoard();
  });
  const curveSize = new ResizeObserver(([{ contentRect }]) => {
    measured = { ...measured, curve: contentRect.width };
    parts?.energy.resize(measured.curve);
    parts?.springs?.resize();
  });
  const resizeBoard = () => parts?.board.resize(measured.board, full.on ? "stage" : "page");

  if (options.messages) start(options.messages);
  else loadMessages(options.lang).then(start);

  function start(messages) {
    if (!alive) return;
    say = createSay(messages);
    build();
    if (state.playing) {
      state.playing = false;
      player.play();
    }
    if (document.fonts && document.fonts.status !== "loaded") document.fonts.ready.then(() => alive && build());
  }

  // ---- parts

  function build() {
    const lanes = options.lanes ?? payload.lanes.map((_, i) => i);
    const kept = !parts ? state.view : parts.lanes.length === lanes.length ? parts.board.view : null;
    if (parts?.lanes.length !== lanes.length) measured = null;
    parts?.board.destroy();
    const family = getComputedStyle(root).fontFamily;
    const shared = { payload, lanes, say, onSelect: select, onHover: hover };
    const words = html("span");
    const caption = html("p", { class: "stage-caption", role: "status", "aria-live": "polite" }, words);
    parts = {
      lanes,
      board: createBoard({ ...shared, family, folded: state.folded, onOpen: unfold, onView: changed }),
      inspector: createInspector({ ...shared, onOrigin: openChain, onKnows: () => setKnows(!state.knows) }),
      springs: state.springs ? createSprings(shared) : null,
      energy: createEnergy({
        ...shared,
        onInput: (t) => {
          player.pause();
          moveTo({ ...atGrain(state, null), t, phase: state.phase && "feedback" });
        },
      }),
      controls: createControls({
        say,
        steps: stepsOf(payload),
        perform,
        setGrain,
        setSpeed,
        share: options.share,
        folds: opensFolded(payload),
        family,
      }),
      legend: createLegend(say),
      setCaption: text(words),
    };
    root.replaceChildren(
      html("div", { class: "stage-main" }, parts.board.element, parts.inspector.element),
      ...(parts.springs ? [parts.springs.element] : []),
      parts.energy.element,
      parts.controls.element,
      caption,
      parts.legend.element,
    );
    boardSize.disconnect();
    curveSize.disconnect();
    boardSize.observe(parts.board.element);
    curveSize.observe(parts.energy.element);
    layout();
    draw({});
    parts.board.select(state.selected);
    parts.springs?.select(state.selected);
    measureNow();
    parts.board.restore(kept);
    data.moving("false");
  }

  // The first picture is drawn at once, without waiting for the observers; another of as many lanes has its room.
  function measureNow() {
    if (!measured?.board || !measured.curve) {
      const { clientWidth: w, clientHeight: h } = parts.board.element;
      measured = { board: { w, h }, curve: parts.energy.element.clientWidth };
    }
    resizeBoard();
    parts.energy.resize(measured.curve);
  }

  function layout() {
    const narrow = size.width < NARROW && !full.on;
    root.classList.toggle("narrow", narrow);
    const strip = parts?.springs && parts.lanes.length > 1 ? parts.springs.height : 0; // several lanes have no height to spare
    root.style.height =
      full.on || narrow ? "" : `${Math.max(options.height ?? size.height, (parts?.board.needs ?? 0) + BELOW + strip)}px`;
  }

  // ---- drawing

  function draw(how) {
    if (!parts) return;
    const { t, phase, selected, playing, speed } = state;
    mark();
    const steps = stepsOf(payload);
    parts.board.draw({ t, phase }, how);
    parts.inspector.draw(state);
    parts.springs?.draw({ t, phase });
    parts.energy.draw(t);
    parts.controls.draw({ t, phase, playing, speedNow: speed, folded: state.folded, springs: state.springs });
    if (!playing || speed <= 1) parts.setCaption(captionText(t, steps, phase));
    data.method(parts.lanes.map((index) => payload.lanes[index].method).join(" "));
    data.t(String(t));
    data.steps(String(steps));
    data.phase(phase ?? "");
    data.playing(String(playing));
    data.selected(selected ?? "");
  }

  function captionText(t, steps, phase) {
    const place = say(phase ? "stage.step_of_phase" : "stage.step_of", {
      t,
      steps,
      phase: phase ? { key: `stage.grain_${phase}` } : "",
    });
    const happened = explainStep(payload, parts.lanes, t, phase)
      .map(({ key, slots }) => say(key, slots))
      .join(" ");
    return say("stage.caption", { place, happened });
  }

  // Costs nothing while neither a chain nor a node's knowledge is open.
  function mark() {
    const on = state.origin !== null || (state.knows && state.selected !== null);
    if (on || marked) parts.board.mark(on ? marksOf(payload, parts.lanes.at(-1), state) : null);
    marked = on;
  }

  function changed() {
    if (parts) options.onChange?.({ ...state, view: parts.board.view });
  }

  // ---- moving

  function moveTo(position, forward = false) {
    if (root.dataset.moving === "true") journey.finish();
    const lively = forward && !reducedMotion();
    Object.assign(state, { t: clampStep(position.t, stepsOf(payload)), phase: position.phase });
    if (state.origin) state.origin = chainAt(payload, state.origin, state.t, state.phase);
    root.classList.toggle("moving", lively);
    draw({ travel: lively, flash: lively && state.speed <= 4 });
    if (lively && parts?.board.messages)
      journey.start(Math.min(450, 0.8 * duration(state.speed, state.phase ? "phases" : "step")));
    changed();
  }

  function advance() {
    moveTo(next(state, stepsOf(payload)), true);
    return !isLast(state, stepsOf(payload));
  }

  function playingChanged(playing) {
    state.playing = playing;
    draw({});
    changed();
  }

  function play() {
    if (isLast(state, stepsOf(payload))) moveTo(first(state));
    player.play();
  }

  const byHand = (position, forward) => {
    player.pause();
    moveTo(position, forward);
  };

  function select(name) {
    if (name !== null && options.onSelect?.(name) === false) return;
    state.selected = name;
    state.origin = null;
    parts.board.select(name);
    mark();
    parts.springs?.select(name);
    parts.inspector.draw(state);
    data.selected(name ?? "");
    changed();
  }

  // A node under the pointer is lit in both views.
  function hover(name) {
    parts.board.light(name);
    parts.springs?.hover(name);
  }

  // Closed, the springs cost nothing: there are none.
  function toggleSprings() {
    state.springs = !state.springs;
    parts.springs?.element.remove();
    parts.springs = state.springs ? createSprings({ payload, lanes: parts.lanes, say, onSelect: select, onHover: hover }) : null;
    if (parts.springs) parts.energy.element.before(parts.springs.element);
    parts.springs?.select(state.selected);
    hover(null);
    layout();
    draw({});
    parts.springs?.element.scrollIntoView({ block: "nearest" });
    changed();
  }

  function openChain(origin) {
    player.pause();
    state.origin = origin;
    parts.inspector.draw(state);
    mark();
    changed();
  }

  function setKnows(on) {
    state.knows = on;
    parts.inspector.draw(state);
    mark();
    changed();
  }

  function setFolded(folded, name = null) {
    select(null);
    state.folded = folded;
    parts.board.fold(folded, name);
    draw({});
    changed();
  }

  function unfold(name, byKey = false) {
    setFolded(false, name);
    if (byKey) parts.controls.focusFold(); // the card that had the focus is gone
  }

  // The module that the front is in, else the output's.
  function toggleFolded() {
    if (!opensFolded(payload)) return false;
    const { groups } = payload.folded;
    const here = groups.find(({ levels }) => levels[0] <= state.t && state.t <= levels[1]) ?? groups.at(-1);
    return setFolded(!state.folded, here.name);
  }

  function setGrain(grain) {
    byHand(atGrain(state, grain));
  }
  function setSpeed(speed) {
    state.speed = speed;
    draw({});
    changed();
  }

  function escape() {
    if (parts.legend.open) return parts.legend.close();
    if (full.on) return full.leave();
    if (state.origin) return parts.inspector.closeChain();
    if (state.knows && state.selected !== null) return setKnows(false);
    if (state.selected !== null) return select(null);
    if (opensFolded(payload) && !state.folded) return setFolded(true);
    return false;
  }

  function perform(action) {
    if (!parts) return false;
    const steps = stepsOf(payload);
    return {
      next: () => byHand(next(state, steps), !isLast(state, steps)),
      back: () => byHand(previous(state)),
      first: () => byHand(first(state)),
      last: () => byHand(last(state, steps)),
      toggle: () => (player.playing ? player.pause() : play()),
      coarser: () => setGrain("step"),
      finer: () => setGrain("phases"),
      faster: () => setSpeed(nextSpeed(state.speed, 1)),
      slower: () => setSpeed(nextSpeed(state.speed, -1)),
      stageMode: () => full.toggle(),
      legend: () => parts.legend.toggle(),
      zoomIn: () => parts.board.zoom(1.3),
      zoomOut: () => parts.board.zoom(1 / 1.3),
      fit: () => parts.board.fit(true),
      fold: toggleFolded,
      springs: toggleSprings,
      escape,
    }[action]();
  }

  return {
    root,
    goTo(t, phase = state.phase && "feedback") {
      byHand({ t, phase });
    },
    play,
    pause: () => player.pause(),
    /** Show other numbers. Of the same problem: step, zoom and selection stay; of another: start where the options say. */
    setPayload(nextPayload, nextOptions = {}) {
      const same = nextPayload.problem === payload.problem;
      if (nextPayload.id === payload.id && !Object.keys(nextOptions).length) return;
      player.pause();
      journey.finish();
      payload = nextPayload;
      Object.assign(options, nextOptions);
      if (!same) state.origin = null;
      const start = same ? state : { t: 0, selected: null, view: null, folded: opensFolded(payload) };
      Object.assign(state, {
        ...start,
        ...pick(nextOptions, ["phase", "selected", "speed", "springs"]),
        t: clampStep(nextOptions.t ?? start.t, stepsOf(payload)),
      });
      state.origin = chainAt(payload, state.origin, state.t, state.phase);
      if (!same) parts?.board.fit();
      room.look(); // what stands above may have changed with the payload
      if (say) build();
    },
    setTheme(theme) {
      root.dataset.theme = theme ?? themeOf(root);
    },
    destroy() {
      alive = false;
      clock.stop();
      room.stop();
      stopKeys();
      full.destroy();
      boardSize.disconnect();
      curveSize.disconnect();
      parts?.board.destroy();
      root.remove();
    },
  };
}

const pick = (object, names) =>
  Object.fromEntries(names.filter((name) => name in object).map((name) => [name, object[name]]));
