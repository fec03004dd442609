// The numbers a person types into the editor: pcgraph/typed_numbers.py has the rules, tests/typed-numbers.json holds both to them.

const LONGEST = 400; // characters

const ZEROS = "０٠۰०০";
const SAME = {
  "-": "−–—‒‐‑﹣－",
  "+": "＋﹢",
  ".": "．。｡٫",
  ",": "，﹐",
  "'": "’＇٬",
  "%": "％٪﹪",
  "/": "⁄／",
  "\u00a0": "\u202f\u2007\u2008\u2009\u200a",
  " ": "\u2002\u2003\u2004\u2005\u2006\u3000",
  "": "\u200b\u200c\u200d\u2060\ufeff\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
};
const MEANT = new Map([
  ...[...ZEROS].flatMap((zero) =>
    Array.from({ length: 10 }, (_, digit) => [String.fromCharCode(zero.charCodeAt(0) + digit), String(digit)]),
  ),
  ...Object.entries(SAME).flatMap(([sign, same]) => [...same].map((each) => [each, sign])),
]);
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const PARTS = { "½": "1/2", "¼": "1/4", "¾": "3/4" };

// Python's idea of white space, where JavaScript's is another.
const WHITE = "(?:[^\\S\\ufeff]|[\\x1c-\\x1f\\x85])+";
const [SPACES, ENDS] = [new RegExp(WHITE, "g"), new RegExp(`^${WHITE}|${WHITE}$`, "g")];
const LINES = /\r\n?|[\u2028\u2029\x0b\x0c\x85]/g;
const trimmed = (text) => text.replace(ENDS, "");

const GAP = "[ \\t\\n]*";
const BODY = "[.,]?\\d[\\d.,' \\u00a0]*";
const POWER = `10${GAP}(?:(?:\\^|\\*\\*)${GAP}([-+]?\\d+)|([⁺⁻]?[${RAISED}]+))`;
const WRITTEN = new RegExp(
  `^([-+]?)${GAP}(?:(${BODY})(?:${GAP}e${GAP}([-+]?\\d+))?|(?:(${BODY})${GAP}[×·⋅∙✕*x]${GAP})?${POWER})$`,
  "i",
);
const BEGUN = new RegExp(`^${GAP}[-+]?${GAP}(?:${BODY}(?:${GAP}e${GAP}[-+]?\\d+)?)?`, "i");
const PLAIN = /^(?:\d+(?:\.\d*|,\d+)?|[.,]\d+)$/;
const GROUPED = /^[1-9]\d{0,2}(?:([., '\u00a0])\d{3})(?:\1\d{3})*(?:(?!\1)[.,]\d+)?$/;
const INDIAN = /^[1-9]\d?(?:,\d{2})+,\d{3}(?:\.\d+)?$/;
const EITHER = /^([1-9]\d{0,2}),(\d{3})$/;
const BOUNDLESS = /^[-+]?[ \t\n]*(?:nan|inf|infinity|∞)$/i;

/** Return the number that a text means, or why it is none, as a sentence {key, slots}. */
export function readNumber(text) {
  const got = clip(text, 40);
  if ([...text].length > LONGEST) return refusal("long", { got, most: LONGEST });
  const plain = [...text]
    .map((each) => MEANT.get(each) ?? each)
    .join("")
    .replace(LINES, "\n")
    .replace(/^[ \u00a0\t\n]+|[ \u00a0\t\n]+$/g, "");
  if (!plain) return refusal("empty");
  const sign = /^[-+]/.exec(plain)?.[0] ?? "";
  const rest = trimmed(plain.slice(sign.length));
  const sides = `${sign}${PARTS[rest] ?? rest}`.split(/\/(.*)/s);
  if (sides.length > 1) return fraction(sides, got);
  const found = WRITTEN.exec(plain);
  return found ? valueOf(found, got) : reason(plain, got);
}

const refusal = (key, slots = {}) => ({ key: `error.number.${key}`, slots });

function valueOf([, sign, alone, e, times, power, raised], got) {
  const exponent = e ?? power ?? (raised && lowered(raised)) ?? "";
  const body = (alone ?? times ?? "").replace(/[ \u00a0]+$/, "");
  const either = EITHER.exec(body);
  if (either) {
    const end = exponent && `e${BigInt(exponent.replace("+", ""))}`;
    const [one, other] = [".", ""].map((mark) => `${sign.replace("+", "")}${either[1]}${mark}${either[2]}${end}`);
    return refusal("readings", { got, one, other });
  }
  const digits = body ? joined(body) : "1";
  if (digits === null) return refusal("separators", { got });
  return held(Number(`${sign}${digits}e${exponent || 0}`), /[1-9]/.test(digits), got);
}

const held = (value, isSome, got) =>
  Number.isFinite(value) && (value !== 0 || !isSome) ? value : refusal("size", { got });

const lowered = (raised) =>
  [...raised].map((each) => ({ "⁻": "-", "⁺": "" })[each] ?? RAISED.indexOf(each)).join("");

// Digits with a point and nothing else, or null where the signs between them follow no rule.
function joined(body) {
  if (PLAIN.test(body)) return body.replace(",", ".");
  const found = GROUPED.exec(body);
  if (found) return body.replaceAll(found[1], "").replace(",", ".");
  return INDIAN.test(body) ? body.replaceAll(",", "") : null;
}

function fraction([over, under], got) {
  const sides = [over, under].map(trimmed);
  const [a, b] = sides.map((side) => (/[ \u00a0/]/.test(side) ? null : readNumber(side)));
  if (typeof a !== "number" || typeof b !== "number" || b === 0) return refusal("fraction", { got });
  return held(a / b, a !== 0, got);
}

function reason(plain, got) {
  if (BOUNDLESS.test(plain)) return refusal("finite", { got });
  if (plain.endsWith("%")) {
    const share = readNumber(plain.slice(0, -1));
    if (typeof share !== "number") return share;
    return refusal("percent", { got, wanted: String(Number((share / 100).toPrecision(15))) });
  }
  const stop = trimmed(plain.slice(BEGUN.exec(plain)[0].length));
  if (!stop && /\d/.test(plain)) return refusal("separators", { got });
  if (!stop || stop === plain) return refusal("none", { got });
  return refusal("place", { got, found: clip(stop, 12) });
}

function clip(text, longest) {
  const line = [...trimmed(text).replace(SPACES, " ")];
  return line.length <= longest ? line.join("") : `${line.slice(0, longest).join("")}…`;
}
