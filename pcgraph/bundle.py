"""The modules of assets/ joined into one: what a page would fetch in sixty answers comes in one.

Each module becomes a function that is called when it is first needed, so it keeps its names to itself and runs once, as
a module does. The text is made from the files when it is asked for; nothing built lies beside them.
"""

from __future__ import annotations

import re

from pcgraph.messages import ASSETS

# `import { a, b as c } from "./a.mjs";`, `import "./a.mjs";`, `export function f`, `export const x`, `export default x`
IMPORT = re.compile(r'^import (?:\{([^}]*)\} from )?"\./([^"]+)";$', re.M)
EXPORT = re.compile(r"^export (?=(?:async function|function|const) (\w+))", re.M)
DEFAULT = re.compile(r"^export default ", re.M)
OTHER = re.compile(r"^(?:import|export)\b.*|\bimport\(.*", re.M)


def bundle(*entries: str) -> str:
    """Return modules of assets/ and all they import as one, whose default export is `load`: a name gives its exports.

    Raises ValueError for an import or export of another form than those of assets/.

    >>> text = bundle("blank.mjs")
    >>> text.count(": () => {"), text.count("import ")
    (2, 0)
    """
    found: dict[str, str] = {}
    waiting = list(entries)
    for name in waiting:  # grows while it is read
        if name not in found:
            source = (ASSETS / name).read_text("utf-8")
            waiting += [match[2] for match in IMPORT.finditer(source)]
            found[name] = f'"{name}": () => {{\n{_body(name, source)}}},\n'
    start = "const $made = {};\nconst $load = (name) => ($made[name] ??= $modules[name]());\n"
    return f"{start}const $modules = {{\n{''.join(found.values())}}};\nexport default $load;\n"


def _body(name: str, source: str) -> str:
    exports = [match[1] for match in EXPORT.finditer(source)]
    text = EXPORT.sub("", IMPORT.sub(_needed, source))
    text, given = DEFAULT.subn("const $default = ", text)
    if other := OTHER.search(text):
        raise ValueError(f"{name}: `{other[0]}` is not an import or export that modules are joined by.")
    return f"{text}return {{ {', '.join(exports + ['default: $default'] * given)} }};\n"


def _needed(match: re.Match[str]) -> str:
    names, module = match.groups()
    return f'const {{{names.replace(" as ", ": ")}}} = $load("{module}");' if names else f'$load("{module}");'
