// createStage: puts the picture, the card, the curve and the controls together around one position {t, phase}.

import { createBlank } from "./blank.mjs";
import { createBoard } from "./board.mjs";
import { bookmarkNow } from "./bookmarks.mjs";
import { createControls } from "./controls.mjs";
import { createEnergy } from "./energy.mjs";
import { attribute, html, sentences } from "./dom.mjs";
import { createFading } from "./fading.mjs";
import { opensFolded } from "./folding.mjs";
import { createFullStage } from "./fullstage.mjs";
import { createInspector } from "./inspector.mjs";
import { keyHandler, listenKeys } from "./keys.mjs";
import { listenPaper, paperSize, scaled } from "./paper.mjs";
import { createLegend } from "./legend.mjs";
import { marksOf } from "./marks.mjs";
import { createSay, loadMessages } from "./messages.mjs";
import { createClock, createJourney, reducedMotion } from "./motion.mjs";
import { createNotice } from "./notice.mjs";
import { chainAt } from "./origin.mjs";
import { createPlayer, duration, nextSpeed } from "./player.mjs";
import { atGrain, clampStep, first, isLast, last, next, previous, stepsOf } from "./position.mjs";
import { openPresenter } from "./presenter.mjs";
import { NARROW, watchRoom } from "./room.mjs";
import { createSprings } from "./springs.mjs";
import { happenedText, placeText, talkOf } from "./talk.mjs";
import { themeOf } from "./theme.mjs";
import { createWakeLock } from "./wakelock.mjs";

const BELOW = 80 + 38 + 16; // curve, controls and the gaps between

/**
 * Draw a payload (docs/payload.md) into an element.
 *
 * options: t, phase ("step" or "phases" grain is told by phase), selected, speed, playing: where to start;
 * lanes: indices of the lanes to show (default all); messages: the table of sentences (default: fetched);
 * quiet: whether the card stays away until a node is selected; springs: whether the springs view is open; theme: "light", "dark" (default: read from the page); lang; share(): the link to copy; onChange(state): called after each change; onSelect(name): before a node is selected; false keeps it from being so.
 * view, folded, origin, knows, bookmarks ({digit: {t, phase, selected, view, folded}}): as `state` gives them back.
 * buttons: [{key, press}]: further buttons under the picture. first, last: the steps that may be seen; loop: whether playing starts again after the last.
 * above: an element that stands first in the stage, in stage mode too. onAction(action, detail): called before each action of a key or
 * a button (keys.mjs names them; "bookmark" comes with {digit, set}, what a key asks for with {key: true}); true means that it is done, and the stage does nothing.
 * stageMode: whether to begin in stage mode, which is not the whole screen: that takes a key or a press.
 * notes: what the speaker wants to read; presents(): {title, notes, place, caption, nextCaption} that the speaker's window shows instead.
 */
export function createStage(element, payload, options = {}) {
  const root = html("div", { class: options.quiet ? "stage quiet" : "stage", "data-testid": "stage", lang: options.lang ?? "en" });
  const clock = createClock();
  const state = {
    t: within(options.t ?? 0),
    phase: options.phase ?? null,
    selected: options.selected ?? null,
    speed: options.speed ?? 1,
    playing: Boolean(options.playing),
    view: options.view ?? null,
    folded: options.folded ?? opensFolded(payload),
    springs: Boolean(options.springs),
    origin: options.origin ?? null, // the chain that is open: {lane, trail}
    knows: Boolean(options.knows), // whether what the selected node did not read is faded
    bookmarks: { ...options.bookmarks }, // digit → where it leads
    spotlight: Boolean(options.spotlight), // whether all but the selected node is dimmed
  };
  state.origin = chainAt(payload, state.origin, state.t, state.phase);
  let [say, parts, alive, size] = [null, null, true, { width: 0, height: 600 }];
  let marked = false;
  let [presenter, started] = [null, null]; // the speaker's window; when the talk began
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
    ["method", "t", "steps", "phase", "playing", "selected", "moving", "spotlight"].map((name) => [
      name,
      attribute(root, `data-${name}`),
    ]),
  );
  const notice = createNotice();
  const offline = html("p", { class: "stage-offline", role: "status" });
  const blank = createBlank({
    back: () => perform("blank"),
    changed: (on) => (on ? notice.tell(say("stage.blanked"), 60_000) : notice.tell(say("stage.unblanked"), 1200)),
  });
  const fading = createFading(root, () => parts?.controls.element);
  const awake = createWakeLock();
  const full = createFullStage(root, () => {
    started ??= Date.now();
    fading.set(full.on);
    awake.set(full.on);
    blank.set(false);
    room.look();
    layout();
    parts?.energy.resize(measured.curve, modeNow());
    tellPresenter();
    changed();
  });
  const modeNow = () => (full.on ? "stage" : "page");
  const room = watchRoom(root, ({ width, height }) => {
    size = { width, height };
    layout();
  });
  // In stage mode nothing outside it is seen, so what has the focus there needs no keys.
  const ours = (one) => (root.contains(one) ? !one.matches("select, [role=scrollbar]") : full.on);
  const onKey = keyHandler((action, detail) => perform(action, { ...detail, key: true }), ours, () => (blank.on ? "blank" : null));
  const stopKeys = listenKeys(root, onKey);
  let measured = null; // sizes of board and curve, as last seen
  const boardSize = new ResizeObserver(([{ contentRect: { width: w, height: h } }]) => {
    measured = { ...measured, board: { w, h } };
    resizeBoard();
  });
  const curveSize = new ResizeObserver(([{ contentRect }]) => {
    measured = { ...measured, curve: contentRect.width };
    parts?.energy.resize(measured.curve, modeNow());
    parts?.springs?.resize();
  });
  const resizeBoard = () => onScreen === null && parts?.board.resize(measured.board, modeNow());
  let onScreen = null; // while it is printed: how the screen shows it
  const stopPaper = listenPaper(toPaper, toScreen);

  if (options.messages) start(options.messages);
  else loadMessages(options.lang).then(start);

  function start(messages) {
    if (!alive) return;
    say = createSay(messages);
    build();
    if (options.stageMode) full.resume();
    if (state.playing) {
      state.playing = false;
      player.play();
    }
    if (document.fonts && document.fonts.status !== "loaded") document.fonts.ready.then(() => alive && build());
  }

  // The whole graph with its numbers, in dark ink and as wide as the paper; no module stays folded.
  function toPaper() {
    if (!parts || !measured?.board) return;
    onScreen = { view: parts.board.view, theme: root.dataset.theme };
    root.dataset.theme = "light";
    if (state.folded) parts.board.fold(false);
    const { w, h } = paperSize(payload.nodes, measured.board, parts.lanes.length);
    parts.board.resize({ w, h }, modeNow());
    parts.board.fit(true);
    for (const graph of root.querySelectorAll(".graph")) scaled(graph, { w, h: h / parts.lanes.length });
  }

  function toScreen() {
    if (!onScreen) return;
    const { view, theme } = onScreen;
    onScreen = null;
    root.dataset.theme = theme;
    for (const graph of root.querySelectorAll(".graph")) scaled(graph, null);
    parts.board.resize(measured.board, modeNow());
    parts.board.fold(state.folded);
    parts.board.restore(view);
  }

  // ---- parts

  function build(view) {
    const lanes = options.lanes ?? payload.lanes.map((_, i) => i);
    const before = !parts ? state.view : parts.lanes.length === lanes.length ? parts.board.view : null;
    const kept = view === undefined ? before : view;
    if (parts?.lanes.length !== lanes.length) measured = null;
    parts?.board.destroy();
    const family = getComputedStyle(root).fontFamily;
    const words = html("span");
    const caption = html("p", { class: "stage-caption", role: "status", "aria-live": "polite" }, words);
    parts = {
      lanes,
      board: createBoard({ ...sharedBy(lanes), family, folded: state.folded, onOpen: unfold, onView: changed }),
      ...tellers(lanes),
      controls: createControls({
        say,
        steps: stepsOf(payload),
        perform,
        setGrain,
        setSpeed,
        share: options.share,
        buttons: options.buttons,
        folds: opensFolded(payload),
        family,
      }),
      legend: createLegend(say),
      setCaption: sentences(words),
    };
    root.replaceChildren(
      ...(options.above ? [options.above] : []),
      html("div", { class: "stage-main" }, parts.board.element, parts.inspector.element),
      ...(parts.springs ? [parts.springs.element] : []),
      parts.energy.element,
      parts.controls.element,
      caption,
      offline,
      parts.legend.element,
      notice.element,
      blank.element,
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
    parts.board.spotlight(state.spotlight);
    parts.energy.mark(state.bookmarks);
    if (kept) parts.board.restore(kept);
    data.moving("false");
  }

  function sharedBy(lanes) {
    return { payload, lanes, say, onSelect: select, onHover: hover };
  }

  // What tells of a payload beside its picture.
  function tellers(lanes) {
    const onInput = (t) => {
      player.pause();
      moveTo({ ...atGrain(state, null), t, phase: state.phase && "feedback" });
    };
    return {
      inspector: createInspector({ ...sharedBy(lanes), onOrigin: openChain, onKnows: () => setKnows(!state.knows) }),
      springs: state.springs ? createSprings(sharedBy(lanes)) : null,
      energy: createEnergy({ ...sharedBy(lanes), onInput }),
    };
  }

  // Of the same graph with other numbers the picture stays, and what has the focus in it. False: build.
  function renew(before) {
    if (!parts || stepsOf(payload) !== stepsOf(before) || !parts.board.renew(payload)) return false;
    const [old, next] = [parts, tellers(parts.lanes)];
    parts = { ...old, ...next };
    for (const name of ["inspector", "springs", "energy"]) if (old[name]) old[name].element.replaceWith(next[name].element);
    curveSize.disconnect();
    curveSize.observe(parts.energy.element);
    draw({});
    parts.springs?.select(state.selected);
    parts.energy.mark(state.bookmarks);
    parts.energy.resize(measured.curve, modeNow());
    changed(); // the page's link, which is Python's now, gets the step again
    return true;
  }

  // The first picture is drawn at once, without waiting for the observers; another of as many lanes has its room.
  function measureNow() {
    if (!measured?.board || !measured.curve) {
      const { clientWidth: w, clientHeight: h } = parts.board.element;
      measured = { board: { w, h }, curve: parts.energy.element.clientWidth };
    }
    resizeBoard();
    parts.energy.resize(measured.curve, modeNow());
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
    const { t, phase, selected, playing, speed, spotlight } = state;
    mark();
    parts.board.draw({ t, phase }, how);
    parts.inspector.draw(state);
    parts.springs?.draw({ t, phase });
    parts.energy.draw(t);
    parts.controls.draw({ t, phase, playing, speedNow: speed, folded: state.folded, springs: state.springs, spotlight });
    if (!playing || speed <= 1) drawCaption();
    data.method(parts.lanes.map((index) => payload.lanes[index].method).join(" "));
    data.t(String(t));
    data.steps(String(stepsOf(payload)));
    data.phase(phase ?? "");
    data.playing(String(playing));
    data.selected(selected ?? "");
    data.spotlight(String(spotlight));
    tellPresenter();
  }

  // The place in bold, then what happened.
  function drawCaption() {
    const slots = { place: placeText(say, stepsOf(payload), state), happened: happenedText(payload, parts.lanes, say, state) };
    parts.setCaption(say.pieces("stage.caption", slots).map(({ text, slot }) => ({ text, slot: slot === "place" ? slot : null })));
  }

  // Costs nothing while neither a chain nor a node's knowledge is open.
  function mark() {
    const on = state.origin !== null || (state.knows && state.selected !== null);
    if (on || marked) parts.board.mark(on ? marksOf(payload, parts.lanes.at(-1), state) : null);
    marked = on;
  }

  function present() {
    return { ...state, bookmarks: { ...state.bookmarks }, view: parts ? parts.board.view : state.view, stageMode: full.on };
  }

  function changed() {
    if (parts) options.onChange?.(present());
  }

  // ---- moving

  // The steps that may be seen.
  function lowest() {
    return clampStep(options.first ?? 0, stepsOf(payload));
  }
  function highest() {
    return Math.max(lowest(), Math.min(options.last ?? Infinity, stepsOf(payload)));
  }
  function within(t) {
    return clampStep(t, highest(), lowest());
  }

  function moveTo(position, forward = false) {
    if (root.dataset.moving === "true") journey.finish();
    const lively = forward && !reducedMotion();
    Object.assign(state, { t: within(position.t), phase: position.phase });
    if (state.origin) state.origin = chainAt(payload, state.origin, state.t, state.phase);
    root.classList.toggle("moving", lively);
    draw({ travel: lively, flash: lively && state.speed <= 4 });
    if (lively && parts?.board.messages)
      journey.start(Math.min(450, 0.8 * duration(state.speed, state.phase ? "phases" : "step")));
    changed();
  }

  function advance() {
    if (options.loop && isLast(state, highest())) moveTo(first(state, lowest()));
    else moveTo(next(state, highest()), true);
    return options.loop || !isLast(state, highest());
  }

  function playingChanged(playing) {
    state.playing = playing;
    draw({});
    changed();
  }

  function play() {
    if (isLast(state, highest())) moveTo(first(state, lowest()));
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
    if (name === null) setSpotlight(false);
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

  function setBookmark(digit) {
    state.bookmarks = { ...state.bookmarks, [digit]: bookmarkNow(present()) };
    parts.energy.mark(state.bookmarks);
    notice.tell(say("stage.bookmark_set", { digit, place: placeText(say, stepsOf(payload), state) }));
    changed();
  }

  function jumpTo(digit) {
    const bookmark = state.bookmarks[digit];
    if (!bookmark) return notice.tell(say("stage.bookmark_none", { digit }));
    if (Boolean(bookmark.folded) !== state.folded) setFolded(Boolean(bookmark.folded));
    byHand({ t: bookmark.t, phase: bookmark.phase });
    if (bookmark.selected !== state.selected) select(bookmark.selected);
    parts.board.restore(bookmark.view);
    changed();
    return true;
  }

  // With no node selected it goes to where the error is: a node of the front, else the output.
  function toggleSpotlight() {
    if (!state.spotlight && state.selected === null) select(nodeOfInterest());
    setSpotlight(!state.spotlight && state.selected !== null);
  }

  function nodeOfInterest() {
    const front = payload.lanes[parts.lanes.at(-1)].front ? state.t : 0;
    return payload.nodes.find(({ kind, level }) => kind === "node" && level === front)?.name ?? payload.output;
  }

  function setSpotlight(on) {
    if (on === state.spotlight) return;
    state.spotlight = on;
    parts.board.spotlight(on);
    draw({});
    changed();
  }

  // ---- before an audience

  function toggleBlank() {
    if (!full.on) return false;
    player.pause();
    parts.legend.close();
    return void blank.set(!blank.on);
  }

  function openNotes() {
    if (!full.on && !presenter?.open) return false;
    if (presenter?.open) return presenter.focus();
    full.hold();
    presenter = openPresenter({
      ...{ say, theme: root.dataset.theme, lang: root.lang, onKey },
      onReset: () => (started = Date.now()),
      onClose: () => (presenter = null),
    });
    if (!presenter) return notice.tell(say("stage.presenter_blocked"), 8000);
    return tellPresenter();
  }

  function tellPresenter() {
    if (!presenter || !parts) return;
    const told = { payload, lanes: parts.lanes, say, position: state, notes: options.notes, more: options.presents?.() };
    presenter.update({ ...talkOf(told), elapsed: Date.now() - (started ?? Date.now()), theme: root.dataset.theme });
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

  function perform(action, detail) {
    if (!parts) return false;
    if (options.onAction?.(action, detail) === true) return true;
    const steps = highest();
    if (state.bookmarks[detail?.digit] && !detail.set) return void jumpTo(detail.digit);
    return {
      next: () => byHand(next(state, steps), !isLast(state, steps)),
      back: () => byHand(previous(state, lowest())),
      first: () => byHand(first(state, lowest())),
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
      bookmark: () => (detail.set ? setBookmark(detail.digit) : jumpTo(detail.digit)),
      spotlight: toggleSpotlight,
      blank: toggleBlank,
      presenter: openNotes,
      escape,
    }[action]();
  }

  return {
    root,
    /** What is shown now, as the options take it: {t, phase, selected, speed, playing, view, folded, springs, origin, knows, bookmarks, spotlight, stageMode}. */
    get state() {
      return present();
    },
    /** The part of the graph that is in view, for a screen of any size; null: all of it. */
    get sight() {
      return parts?.board.sight ?? null;
    },
    /** Go on to a step as a key does: what is sent on the way is seen. */
    forward(t) {
      byHand({ t, phase: state.phase && "feedback" }, true);
    },
    stageMode: (on = !full.on) => (on ? full.enter() : full.leave()),
    /** Be in stage mode as before a reload, without the whole screen. */
    resume: full.resume,
    goTo(t, phase = state.phase && "feedback") {
      byHand({ t, phase });
    },
    play,
    pause: () => player.pause(),
    /** Show other numbers. Of the same problem: step, zoom and selection stay; of another: start where the options say. */
    setPayload(nextPayload, nextOptions = {}) {
      const [same, before] = [nextPayload.problem === payload.problem, payload];
      if (nextPayload.id === payload.id && !Object.keys(nextOptions).length) return;
      player.pause();
      journey.finish();
      payload = nextPayload;
      Object.assign(options, nextOptions);
      if (!same) state.origin = null;
      const start = same ? state : { t: 0, selected: null, view: null, folded: opensFolded(payload), bookmarks: {} };
      Object.assign(state, {
        ...start,
        ...pick(nextOptions, ["phase", "selected", "speed", "springs", "view", "folded", "origin", "knows", "bookmarks", "spotlight"]),
        t: within(nextOptions.t ?? start.t),
      });
      state.origin = chainAt(payload, state.origin, state.t, state.phase);
      if (!same) parts?.board.fit();
      room.look(); // what stands above may have changed with the payload
      const onlyNumbers = same && Object.keys(nextOptions).every((name) => name === "t");
      if (say && !(onlyNumbers && renew(before))) build(nextOptions.view);
    },
    /** Say that the server is gone, or no longer. The stage needs none. */
    setConnected(connected) {
      offline.textContent = connected || !say ? "" : say("stage.offline");
    },
    setTheme(theme) {
      root.dataset.theme = theme ?? themeOf(root);
      tellPresenter();
    },
    destroy() {
      alive = false;
      clock.stop();
      room.stop();
      stopKeys();
      stopPaper();
      full.destroy();
      fading.stop();
      awake.set(false);
      presenter?.close();
      boardSize.disconnect();
      curveSize.disconnect();
      parts?.board.destroy();
      root.remove();
    },
  };
}

const pick = (object, names) =>
  Object.fromEntries(names.filter((name) => name in object).map((name) => [name, object[name]]));
