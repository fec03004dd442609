// Plays: a pure tick, apart from the clock that drives it.

export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8];
const STEP = 1100;
const PHASE = 800;

/** Return how many milliseconds one position lasts at a speed. */
export const duration = (speed, grain) => (grain === "phases" ? PHASE : STEP) / speed;

/** Return {due, waited}: whether the next position is due after so many more milliseconds. Late frames never skip a position. */
export function tick(waited, passed, length) {
  const sum = waited + passed;
  return sum >= length ? { due: true, waited: Math.min(sum - length, length / 2) } : { due: false, waited: sum };
}

/** Return the neighbouring speed: +1 faster, −1 slower. */
export function nextSpeed(speed, way) {
  const place = SPEEDS.indexOf(speed) + way;
  return SPEEDS[Math.min(Math.max(place, 0), SPEEDS.length - 1)];
}

/** Drive `advance()` by a clock until it returns false. */
export function createPlayer(clock, { length, advance, changed }) {
  let [playing, waited] = [false, 0];
  const task = (passed) => {
    const now = tick(waited, passed, length());
    waited = now.waited;
    if (now.due && !advance()) pause();
  };
  function pause() {
    if (!playing) return;
    playing = false;
    clock.remove(task);
    changed(false);
  }
  return {
    get playing() {
      return playing;
    },
    play() {
      if (playing) return;
      [playing, waited] = [true, length()];
      clock.add(task);
      changed(true);
    },
    pause,
  };
}
