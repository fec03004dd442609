"""Links as people get them: whatever a program on the way did to one, it opens the same state or a sentence says so."""

from __future__ import annotations

import html
import json
import os
import random
from urllib.parse import parse_qs, quote, unquote, unquote_plus, urlencode

import pytest

from pcgraph.document import to_json
from pcgraph.gallery import gallery
from pcgraph.messages import LANGUAGES
from pcgraph.ui import train_settings, view
from pcgraph.ui.deck import deck_link, linked_deck, shipped
from pcgraph.ui.links import KNOWN, mend
from pcgraph.ui.settings import TABLE, Settings, from_link, to_link

FUZZ = int(os.environ.get("FUZZ", "300"))
METHODS = ("bp", "pc", "fixed", "zil", "ipc")
FORMULAS = ("tanh(w2 * tanh(w1 * x))", "w*x + b", "w*x+b", "x*-w", "exp(x - w)/2.5", "x**2 + w**2")


def opened(query):
    """Return the settings of a query string, as the page reads it, and what is wrong with it."""
    link = {key: texts[-1] for key, texts in parse_qs(query, keep_blank_values=True).items()}
    mended, told = mend(link)
    settings, errors = from_link(mended, ("zil",))
    return settings, [*told, *errors]


def some_settings(chance):
    """Return settings that a user may have shared."""
    name = chance.choice(sorted(gallery))
    method = chance.choice(METHODS)
    given = {"methods": (method,), "steps": chance.randint(1, 60), "level": chance.random() < 0.5}
    if chance.random() < 0.6:
        given["rates"] = {"pc": round(chance.uniform(0.01, 1.5), 3)}
    kind = chance.random()
    if kind < 0.4:
        return Settings(formula=chance.choice(FORMULAS), **given)
    if kind < 0.6:
        return Settings(document=json.dumps(json.loads(to_json(gallery["chain"]))), **given)
    scalars = {leaf: value for leaf, value in gallery[name].values.items() if value.ndim == 0}
    for leaf in list(scalars)[:2]:
        given.setdefault("leaves", {})[leaf] = json.dumps(chance.choice([0.25, 1e-7, 2.5e20, 3]))
    return Settings(problem=name, **given)


MANGLERS = {
    "encoded twice": quote,
    "encoded three times": lambda query: quote(quote(query, safe="=&"), safe="=&"),
    "values encoded again": lambda query: quote(query, safe="=&+"),
    "HTML's ampersands": html.escape,
    "HTML's ampersands twice": lambda query: html.escape(html.escape(query)),
    "decoded once": unquote,
    "decoded once, pluses too": unquote_plus,
    "pluses lost": lambda query: query.replace("%2B", "+"),
    "blanks as %20": lambda query: query.replace("+", "%20"),
    "a tracker": lambda query: f"{query}&utm_source=mail&utm_medium=x&fbclid=IwAR0",
    "a tracker before": lambda query: f"gclid=1&{query}",
    "a tracker's tail": lambda query: f"{query}?utm_campaign=a%20b",
    "a tracker encoded": lambda query: f"{query}%26utm_source%3Dmail",
    "a full stop": lambda query: f"{query}.",
    "a bracket and a comma": lambda query: f"{query}),",
    "Chinese signs": lambda query: query + quote("）。"),
    "an angle": lambda query: f"{query}%3E",
    "a blank": lambda query: f"{query}%20",
    "a line break": lambda query: f"{query}%0D%0A",
    "a sign without width": lambda query: query.replace("=", "=%E2%80%8B", 1),
}


@pytest.mark.parametrize("seed", range(FUZZ))
def test_a_mangled_link_opens_the_same_or_is_told(seed):
    chance = random.Random(seed)
    settings = some_settings(chance)
    query = urlencode(to_link(settings, ("zil",)))
    right, errors = opened(query)
    assert errors == [], query
    names = chance.sample(sorted(MANGLERS), chance.choice([1, 1, 2]))
    mangled = query
    for name in names:
        mangled = MANGLERS[name](mangled)
    found, told = opened(mangled)
    assert found == right or told, (names, query, mangled)


@pytest.mark.parametrize("name", sorted(set(MANGLERS) - {"pluses lost", "decoded once, pluses too"}))
def test_one_change_on_the_way_is_mended(name):
    for settings in (
        Settings("chain", rates={"pc": 0.19}),
        Settings(formula="w*x + b"),
        Settings(steps=12, level=False),
    ):
        query = urlencode({**to_link(settings, ("zil",)), "t": "3"})
        found, told = opened(MANGLERS[name](query))
        assert (found, told) == (opened(query)[0], []), query


@pytest.mark.parametrize("text", ["w*x b", "w*x ", " x", "1e 3*x", "x * w  b", "(x) (w)"])
def test_a_lost_plus_is_never_a_product(text):
    settings, told = opened(urlencode({"f": text}))
    assert [error.key for error in told] == ["error.link.plus"] and settings.formula == ""
    assert all(error.text(language) for error in told for language in LANGUAGES)


@pytest.mark.parametrize("word", ["minimise", "Minimize"])
def test_a_program_s_own_blank_is_no_lost_plus(word):
    text = f"x = input(2.0)\ny = tanh(x)\n{word} squared_error(y, 1.0)"
    settings, told = opened(urlencode({"f": text}))
    assert (settings.formula, told) == (text, [])


def test_a_part_that_no_link_has_is_told():
    _, told = opened("p=chain&quot;x=1")
    assert [error.key for error in told] == ["error.link.part"]
    _, told = opened("p%3Dchain%26p%3Dresidual")
    assert [error.key for error in told] == ["error.link.twice"]


def test_a_deck_in_a_mangled_link_is_the_same():
    packed = deck_link(shipped("intro").without(0))
    for mangled in (f"{packed}.", f"{packed[:20]}\n{packed[20:]}", f"{packed}?utm_source=x", f"{packed})"):
        found, told = mend({"deck": mangled})
        assert told == [] and linked_deck(found["deck"]) == shipped("intro").without(0)


def test_every_part_that_a_page_reads_is_known():
    parts = {row.link for row in (*TABLE.values(), *train_settings.TABLE.values())} | set(view.READS)
    assert parts <= KNOWN
