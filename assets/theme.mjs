// Light or dark, read from the page's own background.

/** Return the relative luminance of a CSS rgb() or #hex colour, or null. */
export function luminance(colour) {
  const channels = parse(colour.trim());
  if (!channels) return null;
  const [r, g, b] = channels.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function parse(colour) {
  const hex = /^#([0-9a-f]{3,8})$/i.exec(colour)?.[1];
  if (hex) {
    const wide = hex.length < 6 ? [...hex].map((c) => c + c).join("") : hex;
    return [0, 2, 4].map((i) => parseInt(wide.slice(i, i + 2), 16) / 255);
  }
  const list = /^rgba?\(([^)]+)\)$/
    .exec(colour)?.[1]
    .split(/[\s,/]+/)
    .map(Number);
  return list && list[3] !== 0 ? list.slice(0, 3).map((c) => c / 255) : null;
}

/** Return "dark" or "light" for an element: the host's theme variable, else the reader's preference. */
export function themeOf(element) {
  const style = getComputedStyle(element);
  const bright = luminance(style.getPropertyValue("--st-background-color") || "none");
  if (bright !== null) return bright < 0.4 ? "dark" : "light";
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}
