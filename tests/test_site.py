"""The static gallery: every page is there, each plays what it says, and nothing in it reaches out."""

from __future__ import annotations

import json
import re

import pytest

from pcgraph.__main__ import main
from pcgraph.gallery import gallery
from pcgraph.messages import LANGUAGES
from pcgraph.site import LANES, write_site


def payload(page: str) -> dict:
    return json.loads(re.search(r'id="payload">(.*?)</script>', page, re.DOTALL)[1])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_index_leads_to_every_page_and_each_plays_its_methods(tmp_path, language):
    names = ["residual", "chain"]
    index, *pages = write_site(tmp_path, names, language)
    linked = re.findall(r'href="([^"]+)"', index.read_text("utf-8"))
    assert [page.name for page in pages] == linked
    assert len(pages) == len(names) * len(LANES)
    for page in pages:
        text = page.read_text("utf-8")
        methods = [lane["method"] for lane in payload(text)["lanes"]]
        assert page.stem.endswith("-" + "-".join(methods))
        assert f'<html lang="{language}">' in text
        assert not re.search(r"""(src|href)=["']?https?:""", text)


def test_two_lanes_show_the_same_graph_and_the_suggested_rate_is_used(tmp_path):
    write_site(tmp_path, ["residual", "chain"])
    both = payload((tmp_path / "residual-bp-zil.html").read_text("utf-8"))
    assert all(row["cells"][0]["equal"] != "no" for row in both["compare"]["rows"])
    (pc,) = payload((tmp_path / "chain-pc.html").read_text("utf-8"))["lanes"]
    entry = gallery.entry("chain")
    assert (pc["rate"], pc["steps"]) == (entry.rate, entry.steps)


def test_the_command_writes_and_says_where(tmp_path, capsys):
    assert main(["site", str(tmp_path / "out"), "--problems", "diamond", "--language", "zh"]) == 0
    assert "index.html" in capsys.readouterr().out
    assert (tmp_path / "out/diamond-zil.html").is_file()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--problems", "residul"], "residual"),
        (["--language", "xx"], "xx"),
    ],
)
def test_a_wrong_word_is_one_sentence(tmp_path, capsys, words, sentence):
    assert main(["site", str(tmp_path / "out"), *words]) == 2
    said = capsys.readouterr().err
    assert sentence in said and "Traceback" not in said


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["site", str(tmp_path / "file")]) == 2
    assert "can't be written" in capsys.readouterr().err
