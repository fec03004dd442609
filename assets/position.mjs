// Where the player stands: {t, phase}. phase null is the whole step; the four phases are the grain inside one.

export const PHASES = ["predict", "error", "feedback", "move"];

/** Return the number of steps of a payload: its longest lane. */
export const stepsOf = (payload) => Math.max(...payload.lanes.map((lane) => lane.steps));

export const clampStep = (t, steps, least = 0) => Math.min(Math.max(Math.round(Number(t)) || 0, least), steps);

/** Return the position after this one; the last position returns itself. */
export function next({ t, phase }, steps) {
  if (phase === null) return { t: Math.min(t + 1, steps), phase };
  const place = PHASES.indexOf(phase);
  const last = t === steps ? PHASES.indexOf("feedback") : PHASES.length - 1;
  if (place < last) return { t, phase: PHASES[place + 1] };
  return t < steps ? { t: t + 1, phase: PHASES[0] } : { t, phase };
}

/** Return the position before this one; the first position returns itself. */
export function previous({ t, phase }, least = 0) {
  if (phase === null) return { t: Math.max(t - 1, least), phase };
  const place = PHASES.indexOf(phase);
  if (place > 0) return { t, phase: PHASES[place - 1] };
  return t > least ? { t: t - 1, phase: "move" } : { t, phase };
}

export const first = ({ phase }, least = 0) => ({ t: least, phase: phase && PHASES[0] });
export const last = ({ phase }, steps) => ({ t: steps, phase: phase && "feedback" });

/** Return the same place at another grain. A whole step shows what its feedback phase shows. */
export const atGrain = ({ t, phase }, grain) => ({ t, phase: grain === "phases" ? (phase ?? "feedback") : null });

export const isLast = ({ t, phase }, steps) => t >= steps && (phase === null || phase === "feedback");
