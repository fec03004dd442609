// The browser's own storage. It may refuse it, as in a frame of another site: then what would be kept lasts as long as the page.

/** Return the storage of this browser, or null where it is refused: there even its name throws. */
export function browserStorage() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

/** Return the text kept under a key, null where there is none. */
export function keptText(key) {
  try {
    return browserStorage()?.getItem(key) ?? null;
  } catch {
    return null;
  }
}

/** Keep a text under a key, where the browser lets us. */
export function keepText(key, text) {
  try {
    browserStorage()?.setItem(key, text);
  } catch {
    // Full or refused.
  }
}
