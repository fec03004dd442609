// What a speaker reads: where the stage stands, what happens here, what comes next, and how long it has been. Pure.

import { explainStep } from "./explain.mjs";
import { isLast, next, stepsOf } from "./position.mjs";

/** Return a position in words: "step 2 of 4". */
export const placeText = (say, steps, { t, phase }) =>
  say(phase ? "stage.step_of_phase" : "stage.step_of", { t, steps, phase: phase ? { key: `stage.grain_${phase}` } : "" });

/** Return what happens at a position as one text. */
export const happenedText = (payload, lanes, say, { t, phase }) =>
  explainStep(payload, lanes, t, phase)
    .map(({ key, slots }) => say(key, slots))
    .join(" ");

/** Return {title, place, caption, notes, nextCaption} of a position; what `more` tells wins. */
export function talkOf({ payload, lanes, say, position, notes = "", more = {} }) {
  const steps = stepsOf(payload);
  const told = (place) => happenedText(payload, lanes, say, place);
  const own = {
    title: payload.title,
    place: placeText(say, steps, position),
    caption: told(position),
    notes,
    nextCaption: isLast(position, steps) ? say("stage.presenter_end") : told(next(position, steps)),
  };
  return { ...own, ...Object.fromEntries(Object.entries(more ?? {}).filter(([, value]) => value !== undefined && value !== null)) };
}

/** Return milliseconds as a clock shows them: 0:07, 12:30, 1:02:03. */
export function clockText(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

const two = (value) => String(value).padStart(2, "0");
