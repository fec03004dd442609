// Work that may wait until the picture is on the screen.

const ask = globalThis.requestIdleCallback ?? ((task) => setTimeout(task, 50));

/** Return {put(key, task), flush()}: of several tasks with one key only the last is done, when the browser is idle or at `flush`. */
export function createIdle(request = ask) {
  const tasks = new Map();
  const flush = () => {
    const due = [...tasks.values()];
    tasks.clear();
    for (const task of due) task();
  };
  return {
    put(key, task) {
      if (tasks.size === 0) request(flush);
      tasks.set(key, task);
    },
    flush,
  };
}

/** The same for work that may not wait. */
export const atOnce = { put: (_, task) => task(), flush: () => {} };
