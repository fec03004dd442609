// Finding ops by a word: by name, by what the name means, by symbol. Pure.

/** Return the rows that fit a text, best first; all of them for an empty one. */
export function findOps(rows, text, label = (row) => row.name) {
  const word = text.trim().toLowerCase();
  if (!word) return rows;
  const ranked = rows.map((row) => [rank(row, word, label(row).toLowerCase()), row]).filter(([place]) => place < 4);
  return ranked.sort(([a], [b]) => a - b).map(([, row]) => row);
}

function rank(row, word, label) {
  const name = row.name.toLowerCase();
  if (name === word || row.symbol?.toLowerCase() === word) return 0;
  if (name.startsWith(word)) return 1;
  if (label.startsWith(word)) return 2;
  return name.includes(word) || label.includes(word) ? 3 : 4;
}

/** Return [[category, rows]] in the order in which they come. */
export function byCategory(rows) {
  const groups = new Map();
  for (const row of rows) groups.set(row.category, [...(groups.get(row.category) ?? []), row]);
  return [...groups];
}
