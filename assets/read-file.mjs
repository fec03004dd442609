// Reads a text file that the user chose, in the browser: nothing is uploaded, so it also works in a frame of another site.

const LONGEST_NAME = 60;

/** Return {name, text}; or {name, key, slots}, the sentence that says why the file can't be read. `most` counts bytes. */
export async function readFile(file, most) {
  const name = file.name.slice(-LONGEST_NAME);
  const refusal = (key) => ({ name, key, slots: { file: name, most } });
  if (file.size > most) return refusal("error.limit.file");
  let bytes = null;
  try {
    bytes = new Uint8Array(await file.arrayBuffer());
  } catch {
    return refusal("error.document.no_file"); // a folder, or a file that has moved since
  }
  const text = decoded(bytes);
  return text === null ? refusal("error.document.utf8") : { name, text };
}

/** Return the text that bytes hold in UTF-8 or UTF-16, or null where they are no text. */
export function decoded(bytes) {
  try {
    const text = new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes);
    return text.includes("\0") ? null : text;
  } catch {
    return null;
  }
}

// A document begins with an ASCII character, so that in UTF-16 one of its first two bytes is 0, with a mark or without.
function encodingOf([first, second]) {
  if ((first === 0xff && second === 0xfe) || (first && second === 0)) return "utf-16le";
  return (first === 0xfe && second === 0xff) || (first === 0 && second) ? "utf-16be" : "utf-8";
}
