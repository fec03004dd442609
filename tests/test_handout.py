"""Hand-outs: a page a step, the words of the trace as text, and the fonts inside the file."""

from __future__ import annotations

import base64
import re
import zlib

import pytest

import pcgraph as pc
from pcgraph.errors import LimitError, SettingError
from pcgraph.payload import payload
from pcgraph.pictures.handout import handout
from pcgraph.pictures.media import run
from pcgraph.pictures.picture import Scene
from tests.traces import FORMULA, solve, two_steps


def streams(data):
    """Return the unpacked streams of a PDF."""
    found = []
    for head, body in re.findall(rb"<<(.{0,400}?)>>\s*stream\r?\n(.*?)endstream", data, re.DOTALL):
        if b"ASCII85Decode" in head:
            body = base64.a85decode(body.strip().removesuffix(b"~>"))
        found.append(zlib.decompress(body) if b"FlateDecode" in head else body)
    return found


def pages(data):
    """Return the drawing commands of every page, in order."""
    return [stream for stream in streams(data) if b" Tf" in stream and b"BT" in stream]


def letters(data):
    """Return the tables by which a reader finds the letters of the embedded fonts again."""
    return "".join(stream.decode("ascii") for stream in streams(data) if b"beginbf" in stream)


def test_a_handout_has_a_page_a_step_of_a4_across():
    data = run(handout(payload([solve()])))
    assert data.startswith(b"%PDF-") and data.rstrip().endswith(b"%%EOF")
    assert len(re.findall(rb"/Type /Page\b(?!s)", data)) == len(pages(data)) == 5
    boxes = re.findall(rb"/MediaBox \[([^\]]*)\]", data)
    assert {tuple(round(float(size)) for size in box.split()) for box in boxes} == {(0, 0, 842, 595)}


def test_its_fonts_are_inside_and_its_lines_are_vectors():
    data = run(handout(payload([solve()]), 2, 2))
    assert len(re.findall(rb"/FontFile2 ", data)) == 2  # regular and bold
    assert len(re.findall(rb"/BaseFont /[A-Z]+\+SourceSansPro-(?:Regular|Bold)", data)) >= 2
    assert b"/Subtype /Image" not in data and b"/XObject" not in data
    (page,) = pages(data)
    curves, texts = len(re.findall(rb" c\b", page)), page.count(b"BT")
    assert curves > 50 and texts > 60


def test_the_text_of_a_page_is_the_pictures(monkeypatch):
    written = {}
    from pcgraph.pictures import handout as module

    draw = module._text

    def recorded(canvas, text):
        written.setdefault(canvas.getPageNumber(), []).append(text)
        return draw(canvas, text)

    monkeypatch.setattr(module, "_text", recorded)
    content = payload([solve()])
    run(handout(content, 1, 3, link="https://example.org/?t=2"))
    scene = Scene(content, width=1280, height=module.SIZE[1])
    for page, t in enumerate((1, 2, 3), start=1):
        texts = [text.text for text in written[page]]
        assert texts[:-2] == [text.text for text in scene.at(t).texts]
        assert texts[-2:] == ["https://example.org/?t=2", f"page {page} of 3"]
        assert any(text.startswith("The error reached") for text in texts)


def test_its_letters_can_be_read_again():
    table = letters(run(handout(payload([solve()]), 2, 2))).upper()
    for letter in "εμ∂−a′":
        assert f"<{ord(letter):04X}>" in table, letter


def test_a_link_is_shown_and_can_be_followed():
    link = "https://example.org/?problem=residual&t=2"
    data = run(handout(payload([two_steps()]), link=link))
    assert data.count(b"/URI (https://example.org/?problem=residual&t=2)") == 2
    assert b"/URI" not in run(handout(payload([two_steps()]), link="javascript:alert(1)"))


def test_chinese_has_a_face_of_its_own():
    data = run(handout(payload([two_steps()]), language="zh"))
    assert b"/STSong-Light" in data and len(pages(data)) == 2
    assert any(re.search(rb"/F\d+ [\d.]+ Tf", page) for page in pages(data))
    (first, _) = pages(data)
    heading = "第".encode("utf-16-be")
    escaped = b"".join(b"\\%03o" % one if not 32 <= one < 127 else bytes([one]) for one in heading)
    assert heading in first or escaped in first


def test_hostile_titles_are_only_text():
    problem = pc.parse(FORMULA, title="(<script>) Tj ET \\")
    data = run(handout(payload([pc.solve(problem, "zil")])))
    assert len(pages(data)) == 2


def test_two_lanes_and_dark_make_a_handout_too():
    data = run(handout(payload([solve(method="bp", level=True), solve()]), theme="dark"))
    assert len(pages(data)) == 5


def test_progress_is_told_page_by_page_and_who_stops_early_gets_nothing():
    made = handout(payload([solve()]))
    assert next(made) == (1, 5, None)
    made.close()
    assert list(made) == []
    assert list(handout(payload([solve()]), 1, 2)) == [(1, 2, None), (2, 2, None)]


def test_the_same_trace_gives_the_same_bytes(tmp_path):
    solution = two_steps()
    assert solution.to_pdf(tmp_path / "a.pdf") == run(handout(payload([solution])))
    assert (tmp_path / "a.pdf").read_bytes() == solution.to_pdf()


def test_refusals_are_told_at_once():
    with pytest.raises(SettingError, match="Steps 2 to 9 cannot be shown"):
        handout(payload([solve()]), 2, 9)
    with pytest.raises(LimitError, match="at most 240"):
        handout(payload([solve(method="pc", steps=250)]))
