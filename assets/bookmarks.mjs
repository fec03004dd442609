// Bookmarks: a digit leads back to a step with its selection and its view. Pure.

/** Return the bookmark of what a stage shows now. */
export const bookmarkNow = ({ t, phase, selected, view, folded }) => ({ t, phase, selected, view, folded });

/** Return where bookmarks lie on the clock: [{t, digits}], in order of t. */
export function bookmarkTicks(bookmarks, steps) {
  const places = new Map();
  for (const digit of Object.keys(bookmarks).sort()) {
    const t = Math.min(Math.max(bookmarks[digit].t, 0), steps);
    places.set(t, [...(places.get(t) ?? []), digit]);
  }
  return [...places].map(([t, digits]) => ({ t, digits })).sort((a, b) => a.t - b.t);
}
