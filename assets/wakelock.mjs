// Keeps the screen awake while something is shown to a room, where the browser can.

/** Return {set(on)}. A browser lets go of the lock when the page is hidden; seen again, it is asked for anew. */
export function createWakeLock({ wakeLock = navigator.wakeLock, page = document } = {}) {
  let [wanted, lock] = [false, null];

  async function ask() {
    if (!wanted || lock || page.visibilityState !== "visible") return;
    try {
      const found = await wakeLock.request("screen");
      if (!wanted || lock) return void found.release();
      lock = found;
      found.addEventListener?.("release", () => {
        if (lock === found) lock = null;
      });
    } catch {
      // Low battery, or not allowed here: the screen may sleep.
    }
  }

  return {
    async set(on) {
      if (!wakeLock || on === wanted) return;
      wanted = on;
      page[on ? "addEventListener" : "removeEventListener"]("visibilitychange", ask);
      if (on) return ask();
      const held = lock;
      lock = null;
      await held?.release();
    },
  };
}
