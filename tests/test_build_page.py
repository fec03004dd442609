"""Build: three views of one draft in step, ways in and out, late edits dropped, old results told so."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pcgraph.document import from_json, to_dict, to_json
from pcgraph.evaluate import backprop
from pcgraph.formula import parse, to_formula
from pcgraph.gallery import gallery
from pcgraph.messages import say
from pcgraph.payload import payload
from pcgraph.problem import LIMITS
from pcgraph.random_graphs import random_problem
from pcgraph.solve import solve
from pcgraph.templates import TEMPLATES
from pcgraph.ui import draft as drafts
from pcgraph.ui.address import PAGES
from pcgraph.ui.editor import editor_data
from pcgraph.ui.settings import LONGEST_LINK, Settings, build, from_link, pack_document, to_link
from tests.strategies import same

ROOT = Path(__file__).resolve().parent.parent
RESIDUAL = to_dict(gallery["residual"])
EMPTY = {"version": 1, "title": "", "output": None, "target": 0, "loss": "squared_error", "nodes": []}


def begin(name="residual"):
    return drafts.begin(to_dict(gallery[name]))


def file(name, text):
    return {"name": name, "text": text}


def message(rev, document):
    return {"rev": rev, "document": document}


def with_value(document, name, value):
    return {**document, "nodes": [{**n, "value": value} if n["name"] == name else n for n in document["nodes"]]}


def unwired(document, gone):
    """Return a document without a node, as the editor leaves it: with empty slots where it was read."""
    left = [node for node in document["nodes"] if node["name"] != gone]
    empty = lambda inputs: [None if each == gone else each for each in inputs]  # noqa: E731
    nodes = [{**node, "inputs": empty(node["inputs"])} if "inputs" in node else node for node in left]
    return {**document, "nodes": nodes}


# ---------------------------------------------------------------- canvas → formula and leaves


def test_an_edit_on_the_canvas_is_followed_by_formula_and_leaves():
    before = begin()
    after = drafts.edited(before, message(1, with_value(RESIDUAL, "z1", 0.9)))
    assert after.rev == 1 and after.source == before.source
    assert "z1 = parameter(0.9)" in after.text
    assert {row["name"]: row["value"] for row in after.rows}["z1"] == "0.9"
    assert after.problem.values["z1"].item() == 0.9


def test_the_papers_graph_built_edit_by_edit_gives_the_papers_gradient():
    nodes = [{key: value for key, value in node.items() if key != "position"} for node in RESIDUAL["nodes"]]
    draft, seen = drafts.begin(), []
    for count in range(1, len(nodes) + 1):
        data = {**EMPTY, "nodes": nodes[:count]}
        draft = drafts.edited(draft, message(count, data))
        seen.append(draft.problem is not None)
    draft = drafts.edited(draft, message(count + 1, {**data, "output": "out", "target": 0.3}))
    assert seen == [False] * len(nodes) and draft.problem is not None
    assert solve(draft.problem, "zil").gradients["z3"].item() == pytest.approx(-0.02592, abs=1e-12)
    assert draft.inspection.identities == 2
    assert draft.text == to_formula(gallery["residual"])


def test_moving_a_node_changes_neither_formula_nor_table():
    before = drafts.written(begin(), "tanh(w * x)")
    document = json.loads(json.dumps(before.document))
    document["nodes"][0]["position"] = [7, 7]
    after = drafts.edited(before, message(before.rev + 1, document))
    assert (after.text, after.rows, after.table) == ("tanh(w * x)", before.rows, before.table)
    assert after.problem.positions == {document["nodes"][0]["name"]: (7.0, 7.0)}


def test_an_unfinished_graph_keeps_the_last_complete_formula_and_says_what_is_missing():
    after = drafts.edited(begin(), message(1, unwired(RESIDUAL, "c")))
    assert after.problem is None and after.text == to_formula(gallery["residual"])
    assert [finding.error.key for finding in after.inspection.faults] == ["error.draft.slot"]


@pytest.mark.parametrize("rev", [3, 2, 0, -1, True, 2.5, "9", None, 2**60])
def test_an_edit_that_is_older_or_has_no_number_is_dropped(rev):
    before = drafts.edited(begin(), message(3, with_value(RESIDUAL, "z1", 0.9)))
    assert drafts.edited(before, message(rev, EMPTY)) is before


@pytest.mark.parametrize("odd", [None, 1, [], {}, {"rev": 5}, {"rev": 5, "document": [1]}, {"rev": 5, "document": "x"}])
def test_a_message_that_is_none_changes_nothing(odd):
    before = begin()
    assert drafts.edited(before, odd) is before


def test_an_edit_on_its_way_while_the_formula_was_used_comes_too_late():
    before = drafts.edited(begin(), message(4, RESIDUAL))
    typed = drafts.written(before, "tanh(w * x)")
    assert typed.source == before.source + 1 and typed.rev == 5
    late = drafts.edited(typed, message(5, with_value(RESIDUAL, "z1", 0.9)))  # made before the canvas followed
    assert late is typed
    assert drafts.edited(typed, message(6, with_value(RESIDUAL, "z1", 0.9))).rev == 6


def test_a_draft_nested_without_end_is_refused_with_a_sentence():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    after = drafts.edited(begin(), message(1, {**RESIDUAL, "title": deep}))
    assert after.document == RESIDUAL and after.at == "canvas"
    assert "can't be read" in after.error.text() or "nested" in after.error.text()


# ---------------------------------------------------------------- formula → canvas


def test_a_formula_redraws_the_canvas_and_nodes_keep_their_places():
    places = {node["name"]: [place, 0.25] for place, node in enumerate(RESIDUAL["nodes"])}
    placed = {**RESIDUAL, "nodes": [{**node, "position": places[node["name"]]} for node in RESIDUAL["nodes"]]}
    before = drafts.edited(begin(), message(1, placed))
    text = before.text.replace("out = c + a", "d = tanh(c)\nout = d + a")
    after = drafts.written(before, text)
    assert after.source == before.source + 1 and after.text == text and after.error is None
    found = {node["name"]: node.get("position") for node in after.document["nodes"]}
    assert found == {**places, "d": None}
    assert after.document["title"] == RESIDUAL["title"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = input(1.0)\ny = tahn(x)", "Line 2, column 5: there is no function 'tahn'"),
        ("x = input(1.0)\ny = z * x", "Line 2, column 5: 'z' is not defined"),
        ("tanh(w * ", "Line 1, column"),
        ("", "The formula is empty"),
        ("x" * 30_000, "at most 20000 are allowed"),
    ],
)
def test_wrong_text_keeps_the_last_good_graph_and_says_where_and_what_to_do(text, told):
    before = begin()
    after = drafts.written(before, text)
    assert told in after.error.text() and after.at == "formula"
    assert (after.text, after.document, after.source, after.rev) == (text, before.document, before.source, before.rev)
    mended = drafts.written(after, before.text)
    assert mended.error is None and mended.source == before.source, "the same graph needs no drawing"


def test_a_formula_whose_shapes_do_not_fit_goes_on_the_canvas_and_is_told_at_its_node():
    after = drafts.written(begin(), "x = input([1.0, 2.0])\nw = parameter([1.0, 2.0, 3.0])\ny = w * x")
    assert after.error is None and after.problem is None
    assert [(finding.node, finding.error.key) for finding in after.inspection.faults] == [("y", "error.op_shape")]


# ---------------------------------------------------------------- leaves → canvas and formula


def row_of(draft, name):
    return [row["name"] for row in draft.rows].index(name)


def test_a_cell_changes_value_canvas_and_formula_and_the_table_is_not_drawn_anew():
    before = begin()
    after = drafts.leaves_set(before, {row_of(before, "z2"): {"value": "−0.5"}})
    assert after.problem.values["z2"].item() == -0.5
    assert "z2 = parameter(-0.5)" in after.text
    assert after.source == before.source + 1 and after.table == before.table and after.rows == before.rows
    again = drafts.leaves_set(after, {row_of(before, "z2"): {"value": "−0.5"}, row_of(before, ""): {"value": "1.5"}})
    assert again.problem.target.item() == 1.5 and again.problem.values["z2"].item() == -0.5
    canvas = drafts.edited(again, message(again.rev + 1, with_value(again.document, "z2", 3)))
    assert canvas.table == again.table + 1 and {r["name"]: r["value"] for r in canvas.rows}["z2"] == "3"


def test_a_leaf_may_become_another_kind_and_nothing_else():
    before = begin()
    after = drafts.leaves_set(before, {str(row_of(before, "s")): {"op": "constant"}})
    assert after.problem.graph["s"].op == "constant"
    assert "s" not in backprop(after.problem)
    same_again = drafts.leaves_set(before, {row_of(before, "s"): {"op": "tanh", "name": "q"}})
    assert same_again.document == before.document


@pytest.mark.parametrize("text", ["abc", "", "[1,", "true", "1e", '"0.5"', "{}"])
def test_a_wrong_cell_is_told_and_the_other_cells_count(text):
    before = begin()
    after = drafts.leaves_set(before, {row_of(before, "z1"): {"value": text}, row_of(before, "z2"): {"value": "0.25"}})
    assert "'z1'" in after.error.text() and after.at == "leaves"
    assert after.problem.values["z1"].item() == 0.7 and after.problem.values["z2"].item() == 0.25


def test_large_leaves_stay_out_of_the_table_and_are_counted():
    draft = drafts.begin(to_dict(TEMPLATES["mlp"].build(inputs=32, widths=(32, 2))))
    assert drafts.hidden_leaves(draft) == 1
    assert [row["name"] for row in draft.rows] == ["", "x", "b1", "W2", "b2"]


# ---------------------------------------------------------------- starting points, files, links


@pytest.mark.parametrize("name", gallery)
def test_any_problem_of_the_gallery_opens_and_its_formula_stands_beside_it(name):
    after = drafts.opened(begin(), to_dict(gallery[name]))
    assert same(after.problem, gallery[name]) and after.text == to_formula(gallery[name])
    assert after.source == 2


def test_the_empty_canvas_is_one_click_and_can_be_drawn_on():
    after = drafts.opened(begin(), drafts.EMPTY)
    assert after.document["nodes"] == [] and after.text == "" and after.problem is None


def test_a_saved_document_opens_as_it_was_also_unfinished():
    one = {**RESIDUAL, "output": None, "nodes": [{**RESIDUAL["nodes"][0], "position": [1, 2]}]}
    placed = drafts.edited(begin(), message(1, one))
    for draft in (begin("lstm"), placed):
        again = drafts.file_opened(drafts.begin(), file("graph.json", drafts.text_of(draft)))
        assert drafts.fingerprint(again.document) == drafts.fingerprint(draft.document)
        assert again.error is None
    assert again.document["nodes"][0]["position"] == [1, 2]


def test_a_formula_file_opens():
    after = drafts.file_opened(drafts.begin(), file("Mine.TXT", "tanh(w * x)"))
    assert after.problem.graph.names == ("w", "x", "mul1", "out") and after.text == "tanh(w * x)"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.py", "print()", "must end in one of .json, .txt, .pcg"),
        ("a.json", "", "The text is empty"),
        ("a.json", "[" * 300, "nested 300 deep"),
        ("a.json", "[1]", "but this is a list"),
        ("a.json", '{"version": 1}', "is missing"),
        ("a.json", "{nodes}", "The text is not JSON"),
        ("a.json", "<!DOCTYPE html><p>x", "This is a web page"),
        ("a.json", "version: 1\nnodes: []", "looks like YAML"),
        ("a.json", '{"nodes": []}\n{"nodes": []}', "goes on after its JSON ends: line 2"),
        ("a.json", '{"kind": "deck", "scenes": []}', "a deck of lecture scenes"),
        ("a.json", '{"nodes": [{"id": 0}], "links": []}', "networkx"),
        ("a.json", '{"version": 2, "nodes": []}', "this program reads version 1"),
        ("a.txt", "tahn(x)", "there is no function 'tahn'"),
        ("a.json", " " * (LIMITS.text + 1), "at most 2000000 are allowed"),
    ],
)
def test_a_file_that_can_t_be_opened_is_told_and_nothing_changes(name, content, told):
    before = begin()
    after = drafts.file_opened(before, file(name, content))
    assert told in after.error.text() and after.at == "file"
    assert after.document == before.document and after.source == before.source and after.offer is None


def test_a_file_the_browser_could_not_read_says_why():
    before = begin()
    for key, told in (("error.limit.file", "larger than 2000000 bytes"), ("error.document.utf8", "UTF-8 or UTF-16")):
        after = drafts.file_opened(before, {"name": "a.png", "key": key})
        assert "'a.png'" in after.error.text() and told in after.error.text() and after.document == before.document
    assert drafts.file_opened(before, {"name": "a.json", "key": "page.title"}) is before


@pytest.mark.parametrize("odd", [None, 1, [], {}, "x", {"name": "a.json"}, {"name": 1, "text": "{}"}, {"text": "{}"}])
def test_a_file_that_is_none_changes_nothing(odd):
    before = begin()
    assert drafts.file_opened(before, odd) is before


MISSPELT = to_json(gallery["residual"]).replace('["s", "z3"]', '["s", "zz3"]')


def test_an_almost_right_file_is_offered_mended():
    before = begin("chain")
    after = drafts.file_opened(before, file("a.json", MISSPELT))
    assert "'zz3'" in after.error.text() and after.document == before.document and after.source == before.source
    assert [change.text() for change in after.offer.changes] == ["In node 'a', inputs: 'zz3' becomes 'z3'."]
    taken = drafts.offer_taken(after)
    assert same(taken.problem, gallery["residual"]) and taken.error is None and taken.offer is None
    assert drafts.edited(after, message(after.rev + 1, RESIDUAL)).offer is None, "another edit withdraws it"


def test_an_almost_right_link_offers_beside_an_example():
    after, wrong = drafts.from_link({"d": pack_document(MISSPELT)})
    assert not wrong and after.problem is not None and after.offer is not None and "'zz3'" in after.error.text()
    assert same(drafts.from_link(drafts.link_of(after)[0])[0].problem, after.problem), "the address holds the example"


@pytest.mark.parametrize("wrong", [{"inputs": ["s", "c"]}, {"name": "b"}, {"inputs": "s"}, {"position": {"x": 1}}])
def test_no_edit_brings_a_graph_that_can_t_be_drawn(wrong):
    before = begin()
    nodes = [{**node, **wrong} if node["name"] == "a" else node for node in RESIDUAL["nodes"]]
    after = drafts.edited(before, message(1, {**RESIDUAL, "nodes": nodes}))
    assert after.error.text() and after.at == "canvas" and after.document == before.document


def test_a_link_holds_the_whole_draft_and_says_its_size():
    draft = drafts.edited(
        begin(), message(1, {**RESIDUAL, "nodes": [{**n, "position": [1.25, -3]} for n in RESIDUAL["nodes"]]})
    )
    link, size = drafts.link_of(draft)
    assert link["v"] == "1" and size == sum(len(key) + len(text) + 2 for key, text in link.items()) <= LONGEST_LINK
    again, wrong = drafts.from_link(link)
    assert not wrong and same(again.problem, draft.problem)
    assert again.problem.positions == dict.fromkeys(draft.problem.graph.names, (1.25, -3.0))


def test_a_graph_too_large_for_a_link_is_offered_as_a_file():
    draft = drafts.begin(to_dict(TEMPLATES["mlp"].build(inputs=32, widths=(32,) * 6)))
    with pytest.raises(Exception, match=r"needs a link of \d+ characters; at most 8000 fit.*file") as told:
        drafts.link_of(draft)
    assert told.value.slots["got"] > LONGEST_LINK
    again = drafts.file_opened(drafts.begin(), file("g.json", drafts.text_of(draft)))
    assert same(again.problem, draft.problem)


@pytest.mark.parametrize(
    "link", [{"d": "AAAA"}, {"d": ""}, {"d": "é"}, {"v": "99", "d": "x"}, {"p": "nothing"}, {"f": "tahn(x)"}]
)
def test_a_broken_link_is_one_sentence(link):
    _, wrong = drafts.from_link(link)
    assert len(wrong) == 1 and wrong[0].text()


def test_a_link_that_grows_without_bound_is_refused():
    import base64
    import zlib

    bomb = base64.urlsafe_b64encode(zlib.compress(b'{"nodes": [' + b" " * 50_000_000 + b"]}", 9)).decode()
    found, wrong = drafts.from_link({"d": bomb})
    assert found is None and "can't be read" in wrong[0].text()


def test_links_of_the_gallery_and_of_formulas_open_on_build_too():
    assert same(drafts.from_link({"p": "chain"})[0].problem, gallery["chain"])
    assert drafts.from_link({"f": "tanh(w * x)"})[0].text == "tanh(w * x)"
    assert drafts.from_link({}) == (None, [])


# ---------------------------------------------------------------- settings, stale results, run ids


def test_the_step_page_is_linked_with_the_whole_document():
    draft = drafts.edited(begin(), message(1, with_value(RESIDUAL, "z1", 0.9)))
    settings = drafts.settings_for(draft, ("zil",), Settings("chain", methods=("pc",), level=False, t=9))
    assert settings.methods == ("pc",) and settings.level is False and settings.document
    assert same(build(settings), draft.problem)
    again, wrong = from_link(to_link(settings, ("zil",)), ("zil",))
    assert not wrong and same(build(again), draft.problem) and again.methods == ("pc",)


def test_a_broken_document_in_a_link_is_told_and_the_rest_counts():
    settings, wrong = from_link({"d": "AAAA", "rate": "0.5"}, ("zil",))
    assert [error.key for error in wrong] == ["error.link.document"]
    assert settings.rate("zil") == 0.5 and build(settings).graph.output == "out"


def test_a_page_knows_when_its_graph_was_changed_on_build_since():
    draft = begin()
    document = to_json(draft.problem)
    assert not drafts.is_stale(None, document) and not drafts.is_stale(draft, "")
    assert not drafts.is_stale(draft, document)
    moved = {**RESIDUAL, "nodes": [{**node, "position": [0, 1]} for node in reversed(RESIDUAL["nodes"])]}
    assert not drafts.is_stale(drafts.edited(draft, message(1, moved)), document), "moving changes no result"
    assert drafts.is_stale(drafts.edited(draft, message(1, with_value(RESIDUAL, "z1", 0.9))), document)
    assert drafts.is_stale(drafts.edited(draft, message(1, unwired(RESIDUAL, "c"))), document)


def test_run_ids_differ_with_every_number_and_setting_and_not_with_places():
    ids = [payload([solve(gallery["residual"], "zil")])["id"]]
    ids.append(payload([solve(replace(gallery["residual"], positions={"a": (9.0, 9.0)}), "zil")])["id"])
    assert ids[0] == ids[1]
    changed = [
        solve(gallery["residual"].with_values({"z1": 0.700001}), "zil"),
        solve(gallery["residual"], "zil", rate=0.5),
        solve(gallery["residual"], "zil", level=False),
        solve(gallery["residual"], "pc"),
        solve(gallery["residual"].with_values(target=0.30001), "zil"),
    ]
    found = {ids[0], *(payload([solution])["id"] for solution in changed)}
    assert len(found) == 1 + len(changed)


# ---------------------------------------------------------------- the page


def page(**query):
    at = AppTest.from_file(str(ROOT / "pages" / "build.py"), default_timeout=60)
    for name, text in query.items():
        at.query_params[name] = text
    return at.run()


def sent(at):
    """Return what the editor was sent."""
    (element,) = at.get("bidi_component")
    return json.loads(element.proto.json)


def healthy(at):
    assert not at.exception
    return at


def type_formula(at, text):
    at.text_area[0].set_value(text)
    at.button(key="build.formula.use").click().run()


def test_the_page_opens_with_an_example_and_sends_the_contracts_data():
    at = healthy(page())
    data = sent(at)
    assert data.keys() == {"document", "rev", "source", "inspection", "ops", "limit", "lang"}
    assert data == {**json.loads(json.dumps(editor_data(at.session_state["draft"]))), "lang": "en"}
    assert data["inspection"]["complete"] and len(data["document"]["nodes"]) == 8
    assert at.text_area[0].value == to_formula(gallery["residual"])
    assert at.query_params["d"] and not at.error


def test_the_link_it_wrote_opens_the_same():
    at = page()
    type_formula(at, "tanh(w2 * tanh(w1 * x))")
    link = {name: text if isinstance(text, str) else text[0] for name, text in at.query_params.items()}
    again = healthy(page(**link))
    assert sent(again)["document"] == sent(at)["document"]


def test_typing_a_formula_redraws_the_canvas_and_wrong_text_keeps_it():
    at = page()
    type_formula(at, "tanh(w * x)")
    healthy(at)
    good = sent(at)
    assert good["source"] == 2 and [node["name"] for node in good["document"]["nodes"]] == ["w", "x", "mul1", "out"]
    type_formula(at, "tanh(w * x")
    healthy(at)
    assert sent(at)["document"] == good["document"] and sent(at)["source"] == 2
    assert [error.value.startswith("Line 1, column") for error in at.error] == [True]
    assert at.text_area[0].value == "tanh(w * x"
    type_formula(at, "tanh(w * x)")
    assert not at.error and sent(at)["source"] == 2


def test_gallery_empty_canvas_and_templates_draw_anew():
    at = page()
    at.selectbox(key="build.gallery").set_value("lstm").run()
    assert same(at.session_state["draft"].problem, gallery["lstm"])
    at.button(key="build.empty").click().run()
    assert sent(healthy(at))["document"]["nodes"] == []
    for name in TEMPLATES:
        at.selectbox(key="build.template").set_value(name).run()
        at.button(key="build.template.use").click().run()
        assert same(healthy(at).session_state["draft"].problem, TEMPLATES[name].build())
    at.selectbox(key="build.template").set_value("mlp").run()
    at.text_input(key="build.mlp.widths").set_value("4, x").run()
    assert at.button(key="build.template.use").disabled
    assert ["'x' is not a whole number from 1 to 32" in error.value for error in healthy(at).error] == [True]


def test_a_graph_too_large_for_the_link_says_so_and_clears_the_link():
    at = page()
    at.selectbox(key="build.template").set_value("mlp").run()
    at.text_input(key="build.mlp.inputs").set_value("32")
    at.text_input(key="build.mlp.widths").set_value("32 32 32 32 32 32").run()
    at.button(key="build.template.use").click().run()
    assert ["Download it as a file" in error.value for error in healthy(at).error] == [True]
    assert "d" not in at.query_params


@pytest.mark.parametrize(
    "query", [{"d": "AAAA"}, {"d": "<script>"}, {"v": "99"}, {"p": "<b>"}, {"f": "~AAAA"}, {"rate": "-1"}]
)
def test_a_bad_link_is_one_sentence_and_an_example(query):
    at = healthy(page(**query))
    assert len(at.error) == 1 and "Traceback" not in at.error[0].value
    assert sent(at)["inspection"]["complete"]


def test_a_draft_that_can_t_be_solved_has_its_ways_on_disabled():
    at = page()
    at.button(key="build.empty").click().run()
    assert at.button(key="build.go.step").disabled and at.button(key="build.go.compare").disabled
    assert at.text_area[0].value == ""


def test_the_page_tells_the_others_where_the_visitor_comes_from():
    at = page()
    type_formula(at, "tanh(w * x)")
    assert at.session_state["page"] == "build"
    assert same(build(at.session_state["pages"]["build"]), at.session_state["draft"].problem)


def step_page(draft, settings):
    at = AppTest.from_file(str(ROOT / "pages" / "step_through.py"), default_timeout=60)
    at.session_state["draft"] = draft
    at.session_state["pages"] = {"step": settings}
    at.session_state["page"] = "step"
    return at.run()


def test_the_step_page_shows_the_draft_and_says_when_it_is_an_older_one():
    draft = drafts.written(begin(), "tanh(w * x)")
    settings = drafts.settings_for(draft, ("zil",), None)
    at = healthy(step_page(draft, settings))
    assert not at.warning and at.selectbox(key="step.problem").value == "own"
    newer = drafts.written(draft, "sin(w * x)")
    at = healthy(step_page(newer, settings))
    assert [warning.value for warning in at.warning] == [say("page.stale")]
    old = json.loads(json.loads(at.get("bidi_component")[0].proto.json)["payload"])
    assert "tanh" in old["ops"]
    at.button(key="step.stale.use").click().run()
    assert not healthy(at).warning
    new = json.loads(json.loads(at.get("bidi_component")[0].proto.json)["payload"])
    assert "sin" in new["ops"] and new["id"] != old["id"]


def test_a_step_page_that_shows_the_gallery_is_never_stale():
    at = healthy(step_page(drafts.written(begin(), "sin(w * x)"), Settings("chain")))
    assert not at.warning


def test_the_document_of_the_step_page_survives_reset_and_gives_way_to_a_formula():
    draft = drafts.written(begin(), "tanh(w * x)")
    at = step_page(draft, drafts.settings_for(draft, ("zil",), None))
    at.button(key="step.reset").click().run()
    assert at.session_state["pages"]["step"].document
    at.text_area(key="step.formula").set_value("sin(w * x)")  # sent with the button: they are one form
    at.button(key="step.formula.use").click().run()
    assert (
        at.session_state["pages"]["step"].document == "" and at.session_state["pages"]["step"].formula == "sin(w * x)"
    )


def test_the_menu_leads_from_stepping_and_learning_to_building_and_reference():
    assert list(PAGES) == ["", "learn", "compare", "levels", "train", "cost", "build", "lecture", "share", "reference"]


def test_a_thousand_random_graphs_come_back_from_the_link_and_from_formula_and_json():
    for seed in range(1000):
        problem = random_problem(seed, nodes=1 + seed % 12)
        document = to_dict(problem)
        for place, node in enumerate(document["nodes"]):
            node["position"] = [place % 7, place / 8]
        draft = drafts.edited(drafts.begin(), message(1, document))
        link, _ = drafts.link_of(draft)
        back, errors = drafts.from_link(link)
        assert not errors and back.document == draft.document == document, seed
        text = to_formula(problem)
        again = from_json(to_json(parse(text, title=problem.title)))
        assert to_formula(again) == text and same(again, problem), seed


def test_json_formula_and_document_say_the_same():
    draft = begin("residual-block")
    assert same(from_json(drafts.text_of(draft)), draft.problem)
    read = parse(draft.inspection.formula, title=draft.problem.title)
    assert same(read, draft.problem)
