// Axes of the learning curves: where a value stands between 0 (bottom) and 1 (top), and which values are marked.

const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const LEAST_POWER = -16; // a distance below 10⁻¹⁶ is drawn where 0 is: float64 knows no smaller one
const ROOM = 0.12; // of the axis, for the mark of 0

/** Return a power of ten as people write it: "10⁻⁴", and "1" for 10⁰. */
export function powerText(power) {
  if (power === 0) return "1";
  return power === 1 ? "10" : `10${[...String(power)].map((sign) => RAISED[sign]).join("")}`;
}

/** Return {share, ticks: [{at, label}]} of a kind of axis: "log", "distance" (powers of ten, and 0) or "part" (0 to 1). */
export function scaleOf(kind, values) {
  const finite = values.filter(Number.isFinite);
  if (kind === "part") return partScale(finite);
  return kind === "distance" ? distanceScale(finite) : logScale(finite.filter((value) => value > 0));
}

function partScale(values) {
  const bottom = Math.max(0, Math.floor((Math.min(...values, 1) - 0.02) * 20) / 20);
  const share = (value) => (value - bottom) / (1.01 - bottom);
  const step = [0.01, 0.02, 0.05, 0.1, 0.25].find((each) => (1 - bottom) / each <= 5);
  const marks = [];
  for (let mark = 1; mark >= bottom - 1e-9; mark -= step) marks.unshift(mark);
  return { share, ticks: marks.map((mark) => ({ at: share(mark), label: `${Math.round(mark * 100)} %` })) };
}

function logScale(values) {
  const [low, high] = values.length ? [Math.min(...values), Math.max(...values)] : [0.1, 1];
  const room = Math.max(Math.log10(high / low) * 0.06, 0.1);
  const [bottom, top] = [Math.log10(low) - room, Math.log10(high) + room];
  const share = (value) => (value > 0 ? (Math.log10(value) - bottom) / (top - bottom) : 0);
  const marks = top - bottom < 1.6 ? fineMarks(bottom, top) : powers(bottom, top);
  return { share, ticks: marks.map(({ value, label }) => ({ at: share(value), label })) };
}

function fineMarks(bottom, top) {
  const found = [];
  for (let power = Math.floor(bottom); power <= top; power += 1) {
    for (const digit of [1, 2, 5]) {
      const value = Number(`${digit}e${power}`);
      if (Math.log10(value) >= bottom && Math.log10(value) <= top) found.push({ value, label: String(value) });
    }
  }
  return found;
}

function powers(bottom, top) {
  const every = Math.ceil((top - bottom) / 6);
  const found = [];
  for (let power = Math.ceil(bottom / every) * every; power <= top; power += every)
    found.push({ value: 10 ** power, label: powerText(power) });
  return found;
}

function distanceScale(values) {
  const top = Math.max(0, ...values.filter((value) => value > 0).map((value) => Math.ceil(Math.log10(value)))) + 0.5;
  const share = (value) =>
    value > 0 ? Math.max(0, ROOM + ((1 - ROOM) * (Math.log10(value) - LEAST_POWER)) / (top - LEAST_POWER)) : 0;
  const ticks = [{ at: 0, label: "0" }];
  for (let power = LEAST_POWER; power <= top; power += 4) ticks.push({ at: share(10 ** power), label: powerText(power) });
  return { share, ticks };
}

/** Return the values of curves {x, y} that an axis should show: not those from before learning has begun. */
export function settled(lines) {
  const last = Math.max(0, ...lines.flatMap((line) => line.x));
  return lines.flatMap((line) => line.y.filter((_, i) => line.x[i] >= last / 10));
}

/** Return the round numbers from 0 to `most` to mark along an axis that has room for so many. */
export function roundMarks(most, room) {
  const every = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000].find((each) => most / each <= room) ?? most;
  const found = [];
  for (let mark = 0; mark <= most; mark += every) found.push(mark);
  return found;
}

/** Return the place in an ascending list of the last number that is at most `wanted`, or 0. */
export function placeAt(list, wanted) {
  let [low, high] = [0, list.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (list[middle] <= wanted) low = middle;
    else high = middle - 1;
  }
  return low;
}
