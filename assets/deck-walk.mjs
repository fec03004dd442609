// How a clicker walks a deck: pure functions of the scenes and the place {scene, asking, t, phase}.

import { isLast, next, previous } from "./position.mjs";

/** Return the place at which a scene opens: before its question, where it has one. */
export const opening = (deck, scene) => {
  const { t, phase, asks } = deck.scenes[scene];
  return { scene, asking: Boolean(asks), t, phase: phase ?? null };
};

/** Return the place at which a scene ends. */
export const ending = (deck, scene) => {
  const { t, until, phase } = deck.scenes[scene];
  return { scene, asking: false, t: Math.max(t, until), phase: phase ? "feedback" : null };
};

/**
 * Return where a click leads: {to: place} for another scene or an answer, {step: true} where the stage itself steps,
 * {stay: true} at the ends of the deck.
 */
export function walk(deck, place, way) {
  const { t, until, asks } = deck.scenes[place.scene];
  if (way === "next") {
    if (place.asking) return { to: { ...place, asking: false, t: asks.reveals } };
    const end = Math.max(t, until);
    const on = next(place, end);
    if (place.t <= end && !isLast(place, end) && (on.t !== place.t || on.phase !== place.phase)) return { step: true };
    return place.scene + 1 < deck.scenes.length ? { to: opening(deck, place.scene + 1) } : { stay: true };
  }
  if (asks && !place.asking && place.t <= asks.reveals) return { to: opening(deck, place.scene) };
  if (!place.asking && previous(place).t >= t && (previous(place).t !== place.t || previous(place).phase !== place.phase))
    return { step: true };
  return place.scene > 0 ? { to: ending(deck, place.scene - 1) } : { stay: true };
}
