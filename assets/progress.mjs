// How far a visitor has come in the course, kept in this browser alone: no account, nothing leaves the machine.

const KEY = "pcgraph.learn";

/** Return the progress kept in a storage: {lesson: {scene: state}}, empty where there is none or it can't be read. */
export function readProgress(storage) {
  try {
    const kept = JSON.parse(storage.getItem(KEY) ?? "{}");
    return isTable(kept) ? kept : {};
  } catch {
    return {};
  }
}

/** Keep what is known now beside what was kept; the newer word on a scene counts. */
export function writeProgress(storage, now) {
  try {
    storage.setItem(KEY, JSON.stringify(merged(readProgress(storage), now)));
  } catch {
    // A browser may refuse storage; then the progress lasts as long as the page.
  }
}

export function clearProgress(storage) {
  try {
    storage.removeItem(KEY);
  } catch {
    // as above
  }
}

/** Return two tables of progress as one, the second before the first. */
export function merged(kept, now) {
  const lessons = new Set([...Object.keys(kept), ...Object.keys(now)]);
  return Object.fromEntries([...lessons].map((name) => [name, { ...kept[name], ...now[name] }]));
}

const isTable = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
