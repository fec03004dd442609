// Says sentences from the message table by key, and prints numbers exactly as pcgraph/messages.py does.

/** Return a number as people read it: a true minus sign, fixed decimals, powers of ten at the ends. */
export function number(value, decimals = 4, signed = false) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value < 0 ? "−∞" : "∞";
  const size = Math.abs(value);
  const plain = size === 0 || (size >= Number(`1e-${decimals}`) && size < 1e6);
  const sign = value < 0 ? "−" : signed ? "+" : "";
  return sign + (plain ? fixed(size, decimals) : scientific(size)).replace("-", "−");
}

/** Return a number short enough for a card: the larger it is, the fewer decimals. */
export function short(value, signed = false) {
  const size = Math.abs(value);
  return number(value, size < 100 ? 3 : size < 1e3 ? 2 : size < 1e4 ? 1 : 0, signed);
}

/** Return a number for the smallest cards: powers of ten with one decimal. */
export function brief(value, signed = false) {
  const text = short(value, signed);
  return text.includes("e")
    ? text.replace(/\.\d+e/, `.${scientific(Math.abs(value), 1).split(".")[1].split("e")[0]}e`)
    : text;
}

function scientific(size, decimals = 2) {
  const [digits, power] = size.toExponential(decimals).split("e");
  return `${nearTie(size * 10 ** (decimals - power)) ? even(digits, size.toExponential(60).split("e")[0]) : digits}e${Number(power)}`;
}

function fixed(size, decimals) {
  const text = size.toFixed(decimals);
  return nearTie(size * 10 ** decimals) ? even(text, size.toFixed(Math.min(100, decimals + 60))) : text;
}

// Python rounds an exact tie to the even digit, JavaScript rounds it up.
const nearTie = (scaled) => Math.abs(scaled - Math.floor(scaled) - 0.5) < 1e-6;

function even(rounded, exact) {
  const tie = exact.length > rounded.length && /^\.?50*$/.test(exact.slice(rounded.length));
  const last = Number(rounded.at(-1));
  return tie && last % 2 === 1 ? rounded.slice(0, -1) + (last - 1) : rounded;
}

/** Split a sentence into pieces {text, slot}, its slots filled with what `told` makes of their values. */
export function pieces(template, slots = {}, told = (value) => value) {
  return split(template)
    .map((text, i) => (i % 2 ? { text: fill(told(slots[text])), slot: text } : { text, slot: null }))
    .filter((piece) => piece.text !== "");
}

const memo = new Map();
function split(template) {
  if (!memo.has(template)) memo.set(template, template.split(/\{(\w+)\}/));
  return memo.get(template);
}

function fill(value) {
  if (typeof value === "number") return Number.isInteger(value) ? String(value).replace("-", "−") : number(value);
  return value === null || value === undefined ? "" : Array.isArray(value) ? value.join(", ") : String(value);
}

/** Return say(key, slots) over a table; a slot may itself be {key, slots}; an unknown key is said as itself, so that a gap is seen and nothing breaks. */
export function createSay(table) {
  const told = (value) => (value?.key ? say(value.key, value.slots) : value);
  const say = (key, slots = {}) =>
    split(table[key] ?? key)
      .map((part, i) => (i % 2 ? fill(told(slots[part])) : part))
      .join("");
  say.pieces = (key, slots = {}) => pieces(table[key] ?? key, slots, told);
  say.has = (key) => key in table;
  return say;
}

/** Fetch the table of a language from beside this module. */
export async function loadMessages(language = "en") {
  const answer = await fetch(new URL(`./messages/${language}.json`, import.meta.url));
  return answer.json();
}
