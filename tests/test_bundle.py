"""All modules as one: the same exports, each run once; an import of another form is refused."""

from __future__ import annotations

import json
import subprocess

import pytest

from pcgraph.bundle import bundle
from pcgraph.messages import ASSETS

APART = """
const [joined, ...names] = process.argv.slice(1);
const { default: load } = await import(joined);
const found = {};
for (const name of names) {
  const [own, one] = [await import(new URL(name, "FOLDER")), load(name.split("/").at(-1))];
  found[name] = { own: Object.keys(own).sort(), joined: Object.keys(one).sort(), same: load(name) === one };
}
console.log(JSON.stringify(found));
"""


def run(program, *given):
    """Return what a program prints."""
    command = ["node", "--input-type=module", "-e", program, *given]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_every_module_exports_what_it_exports_alone(tmp_path):
    names = sorted(file.name for file in ASSETS.glob("*.mjs"))
    (tmp_path / "all.mjs").write_text(bundle(*names), "utf-8")
    program = APART.replace("FOLDER", f"{ASSETS.as_uri()}/")
    found = json.loads(run(program, (tmp_path / "all.mjs").as_uri(), *names))
    assert set(found) == set(names)
    for name, one in found.items():
        assert one["own"] == one["joined"] and one["same"], name
    assert sum(len(one["own"]) for one in found.values()) > len(names)


def test_what_is_imported_comes_along_and_nothing_else():
    text = bundle("blank.mjs")
    assert '"dom.mjs": () => {' in text and "stage.mjs" not in text


@pytest.mark.parametrize(
    "line",
    [
        'import * as dom from "./dom.mjs";',
        'import dom from "./dom.mjs";',
        'export { one } from "./dom.mjs";',
        "export let count = 0;",
        "export class One {}",
        "export const [a, b] = [1, 2];",
        'const dom = await import("./dom.mjs");',
    ],
)
def test_another_form_is_refused_by_name(line, tmp_path, monkeypatch):
    (tmp_path / "odd.mjs").write_text(f"{line}\n", "utf-8")
    monkeypatch.setattr("pcgraph.bundle.ASSETS", tmp_path)
    with pytest.raises(ValueError, match=r"odd\.mjs: `"):
        bundle("odd.mjs")


def test_names_may_be_renamed_and_a_list_may_be_long(tmp_path, monkeypatch):
    (tmp_path / "one.mjs").write_text("export const a = 1;\nexport const b = 2;\n", "utf-8")
    (tmp_path / "two.mjs").write_text(
        'import {\n  a,\n  b as c,\n} from "./one.mjs";\nexport default a + c;\n', "utf-8"
    )
    monkeypatch.setattr("pcgraph.bundle.ASSETS", tmp_path)
    (tmp_path / "all.mjs").write_text(bundle("two.mjs"), "utf-8")
    program = "const { default: load } = await import(process.argv[1]); console.log(load('two.mjs').default);"
    assert run(program, (tmp_path / "all.mjs").as_uri()) == "3\n"
