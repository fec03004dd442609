"""How a link shows a page: what a teacher's link says is read back as it was meant, and nonsense is told."""

from __future__ import annotations

from itertools import product
from urllib.parse import parse_qsl, urlsplit

import pytest

from pcgraph.document import to_json
from pcgraph.gallery import gallery
from pcgraph.ui.deck import link_of
from pcgraph.ui.runs import runs_of
from pcgraph.ui.settings import Settings, from_link
from pcgraph.ui.share import Shown, address_of
from pcgraph.ui.view import View, read, write

VIEWS = [
    View(*parts)
    for parts in product(((), ("controls",), ("controls", "menu")), (None, 0, 2), (None, 3), *[(False, True)] * 3)
]


@pytest.mark.parametrize("view", VIEWS, ids=str)
def test_a_view_reads_back_from_its_link(view):
    assert read(write(view)) == (view, [])


def test_a_plain_view_says_nothing():
    assert write(View()) == {} and read({}) == (View(), [])


@pytest.mark.parametrize(
    "link",
    [
        {"hide": "everything"}, {"first": "-1"}, {"last": "1e9"}, {"last": "2.5"}, {"first": "nan"}, {"loop": "yes"},
        {"quiz": ""}, {"play": "<b>"}, {"first": "3", "last": "1"},
    ],
)  # fmt: skip
def test_what_a_link_may_not_say_is_told_and_left_out(link):
    found, errors = read({**link, "hide": link.get("hide", "controls")})
    assert len(errors) == 1
    assert found == View(hide=() if "hide" in link else ("controls",))


@pytest.mark.parametrize("methods", [("zil",), ("bp", "zil")])
@pytest.mark.parametrize("base", ["http://localhost:8501/", "https://a.example.org/pc/"])
def test_a_teachers_link_leads_to_the_page_with_the_same_run_shown_as_said(methods, base):
    settings = Settings("residual-block", methods=methods, rates={"zil": 0.5}, steps=3, target="2")
    shown = Shown(to_json(gallery["residual-block"]), runs_of(settings), True, "dark", "zh")
    view = View(hide=("controls", "menu"), first=1, last=2, loop=True, play=True)
    address = urlsplit(address_of(base, settings, link_of(settings), view, shown, 2, embed=True))
    link = dict(parse_qsl(address.query))
    page = ("zil",) if len(methods) == 1 else ("bp", "zil")
    found, errors = from_link(link, page)
    assert not errors
    assert (found.problem, found.methods, found.steps, found.target, found.t) == ("residual-block", methods, 3, "2", 2)
    assert found.rate("zil") == 0.5
    assert read(link) == (view, [])
    assert address.path.endswith("compare") is (len(methods) > 1)
    assert (link["lang"], link["embed"], link["embed_options"]) == ("zh", "true", "dark_theme")
