"""The visitor's language: every sentence in each, from the link or the browser, kept in the link with the step."""

from __future__ import annotations

import json
import re

import pytest
from streamlit.testing.v1 import AppTest

import pcgraph as pc
from pcgraph.messages import LANGUAGES, number, say, table
from pcgraph.ui.headers import Headers
from pcgraph.ui.language import preferred
from tests.browser import ROOT


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_sentence_and_no_other(language):
    assert set(table(language)) == set(table("en"))


def test_no_chinese_sentence_was_left_in_english():
    for key, sentence in table("zh").items():
        words = re.findall(
            r"(?<![{\w.])[a-z]{4,}(?![}\w.])", re.sub(r"`[^`]*`|\{\w+\}|--\w+|[\w-]+\.\w+", "", sentence)
        )
        known = {"input", "parameter", "constant", "residual", "softmax", "minimise"}
        assert len(set(words) - known - set(pc.OPS)) < 4, f"{key}: {sentence}"


@pytest.mark.parametrize(
    ("locale", "language"), [("zh-CN", "zh"), ("zh", "zh"), ("en-US", "en"), ("fr", "en"), (None, "en")]
)
def test_a_browser_prefers_a_language_that_is_here(locale, language):
    assert preferred(locale) == language


def page(**link: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "pcgraph/ui/navigation.py"), default_timeout=60)
    for name, text in link.items():
        at.query_params[name] = text
    return at.run()


def test_the_link_chooses_the_language_of_page_and_stage_and_keeps_it():
    at = page(lang="zh")
    assert not at.exception
    assert at.segmented_control[0].options == [say(f"method.{m}", "zh") for m in ("bp", "pc", "fixed", "zil", "ipc")]
    assert json.loads(at.get("bidi_component")[0].proto.json)["lang"] == "zh"
    assert at.query_params["lang"] == "zh"


def test_a_button_changes_the_language_and_the_link():
    at = page()
    at.button(key="language.zh").click().run()
    assert not at.exception
    assert json.loads(at.get("bidi_component")[0].proto.json)["lang"] == "zh"
    assert at.query_params["lang"] == "zh"
    assert [one.label for one in at.button if one.key.startswith("language.")] == ["English"]


def test_errors_are_said_in_the_visitors_language():
    at = page(lang="zh", rate="zil:99")
    expected = say("error.link.range", "zh", setting="γ", got="99", least="0.01", most="2")
    assert expected[:6] in at.error[0].value.replace("\\", "")


def test_a_language_that_is_not_here_is_one_sentence():
    at = page(lang="<script>")
    assert len(at.error) == 1 and "en" in at.error[0].value and not at.exception


@pytest.mark.parametrize(
    ("query", "accepts", "language"),
    [(b"lang=zh", b"en", "zh"), (b"", b"zh-CN,zh;q=0.9", "zh"), (b"lang=en", b"zh", "en")],
)
def test_a_page_names_the_sentences_it_will_need(query, accepts, language):
    sent = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "path": "/", "query_string": query, "headers": [(b"accept-language", accepts)]}
    with pytest.raises(StopIteration):
        Headers(app)(scope, None, send).send(None)
    assert f"messages/{language}.json".encode() in dict(sent[0]["headers"])[b"link"]


def test_numbers_are_the_same_in_every_language():
    slots = {"name": "a", "reference": "BP", "value": number(-0.25)}
    assert all("−0.2500" in say("stage.verdict_exact", language, **slots) for language in LANGUAGES)


def test_streamlits_spinner_which_names_our_functions_is_never_shown():
    code = "\n".join(path.read_text("utf-8") for path in ROOT.glob("pcgraph/ui/*.py"))
    kept = re.findall(r"@st\.cache_(?:data|resource)\b(.*)", code)
    assert kept and all("show_spinner=False" in given for given in kept)
