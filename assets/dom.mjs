// Makes elements. Text always goes in as text: no markup is ever parsed.

const SPACES = { svg: "http://www.w3.org/2000/svg", math: "http://www.w3.org/1998/Math/MathML" };

const maker =
  (space) =>
  (tag, attributes = {}, ...children) => {
    const element = space ? document.createElementNS(SPACES[space], tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== undefined && value !== false)
        element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  };

export const html = maker(null);
export const svg = maker("svg");

/** Draw a description {tag, text, children, class} of `formula.mjs` as MathML. */
export function math({ tag, text, children = [], class: name, depth, form }) {
  const stretchy = tag === "mo" && /[()|]/.test(text) ? "false" : null;
  return maker("math")(
    tag,
    { class: name, depth, form, stretchy },
    ...(text === undefined ? children.map(math) : [text]),
  );
}

/** Draw text pieces of `messages.mjs`, filled slots in bold. */
export function sentence(tag, pieces, attributes = {}) {
  const element = html(tag, attributes);
  sentences(element)(pieces);
  return element;
}

/** Return a setter of the pieces in an element. Where bold ones stand as before, only their words change. */
export function sentences(element) {
  let [shape, setters] = [null, []];
  return (pieces) => {
    const next = pieces.map(({ slot }) => (slot ? "b" : "t")).join("");
    if (next !== shape) {
      shape = next;
      element.replaceChildren();
      setters = pieces.map(({ slot }) => text(slot ? element.appendChild(html("b")) : element));
    }
    setters.forEach((set, i) => set(pieces[i].text));
  };
}

/** Return a setter that applies a value only when it changed, and says whether it did: a step touches only what it must. */
export function setter(apply) {
  let last;
  return (value) => {
    if (value === last) return false;
    last = value;
    apply(value);
    return true;
  };
}

export const attribute = (element, name) => setter((value) => element.setAttribute(name, value));

export function text(element) {
  const node = document.createTextNode("");
  element.append(node);
  return setter((value) => {
    node.data = value;
  });
}

/** Toggle an element's place in the picture. Shown again, it is as it was: no empty style stays behind. */
export const shown = (element) =>
  setter((value) => {
    element.style.display = value ? "" : "none";
    if (!element.getAttribute("style")) element.removeAttribute("style");
  });
