// One clock for everything that moves.

const TRAVEL = 450;

/** Return the y of cubic-bezier(x1, y1, x2, y2) at x. */
export function bezier(x1, y1, x2, y2) {
  const at = (a, b, u) => 3 * a * u * (1 - u) ** 2 + 3 * b * u * u * (1 - u) + u ** 3;
  return (x) => {
    let [low, high] = [0, 1];
    for (let i = 0; i < 24; i += 1) {
      const middle = (low + high) / 2;
      if (at(x1, x2, middle) < x) low = middle;
      else high = middle;
    }
    return at(y1, y2, (low + high) / 2);
  };
}

export const ease = bezier(0.4, 0, 0.2, 1);

const reduced = globalThis.matchMedia?.("(prefers-reduced-motion: reduce)");
export const reducedMotion = () => Boolean(reduced?.matches);

/** Return a clock that calls each running task once a frame with milliseconds since the frame before. */
export function createClock({ request = requestAnimationFrame, cancel = cancelAnimationFrame } = {}) {
  const tasks = new Set();
  let [handle, last] = [null, null];
  // A frame's time may lie before the moment the task was added: the first frame only sets the start.
  const frame = (now) => {
    const passed = last === null ? 0 : Math.max(0, now - last);
    last = now;
    for (const task of [...tasks]) task(passed);
    handle = tasks.size ? request(frame) : null;
    if (!handle) last = null;
  };
  return {
    add(task) {
      tasks.add(task);
      handle ??= request(frame);
    },
    remove: (task) => tasks.delete(task),
    stop() {
      tasks.clear();
      if (handle) cancel(handle);
      [handle, last] = [null, null];
    },
  };
}

/** Return {start, finish}: one journey at a time, `draw(share)` from 0 to 1; `changed(moving)` tells when it starts and ends. */
export function createJourney(clock, draw, changed = () => {}) {
  let [passed, length] = [0, TRAVEL];
  const task = (milliseconds) => {
    passed += milliseconds;
    if (passed >= length) return finish();
    draw(ease(passed / length));
  };
  function finish() {
    clock.remove(task);
    draw(1);
    changed(false);
  }
  return {
    start(milliseconds = TRAVEL) {
      [passed, length] = [0, milliseconds];
      draw(0);
      changed(true);
      clock.add(task);
    },
    finish,
  };
}
