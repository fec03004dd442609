// Work that may wait until the picture is on the screen.

const whenIdle = globalThis.requestIdleCallback ?? ((task) => setTimeout(task, 50));

/** Return {ask(), flush()}: the task is done once for all who asked, when the browser is idle or at `flush`. */
export function createIdle(task, request = whenIdle) {
  let due = false;
  const flush = () => {
    if (!due) return;
    due = false;
    task();
  };
  return {
    ask() {
      if (!due) request(flush);
      due = true;
    },
    flush,
  };
}

/** The same for work that may not wait. */
export const atOnce = (task) => ({ ask: task, flush: () => {} });
