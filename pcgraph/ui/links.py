"""Links as people get them: encoded twice, with HTML's `&amp;`, a tracker's tail or the full stop of a sentence.

This module mends a link before anything reads it, where there is one reading, and names what it does not know.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote_plus

import streamlit as st

from pcgraph.errors import PCGraphError, SettingError

# Every part that a page of the app reads from its link.
KNOWN = frozenset(
    "v p f d m rate steps level y x t data model w loss opt lr batch n seed "
    "hide first last loop play quiz lang deck l s part embed embed_options".split()
)
TRACKER = re.compile(
    r"utm_\w+|fbclid|gclid|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|igsh(id)?|mc_[ce]id|_hs\w+|_ga|_gl|ref|ref_src|"
    r"si|mkt_tok|spm|share_\w+|from|source|cmpid|oly_\w+|vero_\w+|wt_mc",
    re.I,
)
TAIL = re.compile(rf"[?&#](amp;)*({TRACKER.pattern})=.*$", re.I | re.S)
UNSEEN = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")  # without width: programs put them in to break lines
ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
MOST_ENCODED = 4  # times over
SENTENCE = " \t\r\n.,;:!?>\"'`*…。，、；：！？》」』”’"  # what a sentence puts behind a link
BRACKETS = ")]}）】"
PACKED = ("d", "deck")


def mend(link: Mapping[str, str]) -> tuple[dict[str, str], list[PCGraphError]]:
    """Return a link as it was meant, and a sentence for each part that no link of this app has.

    >>> mend({"amp;p": "chain.", "utm_source": "mail", "y": "%2D2"})
    ({'p': 'chain', 'y': '-2'}, [])
    >>> mend({"quot;p": "1"})[1][0].slots["got"]
    'quot;p'
    """
    pairs = _decoded([pair for key, text in link.items() for pair in _parted(key, text)])
    found: dict[str, str] = {}
    errors: list[PCGraphError] = []
    for key, text in pairs:
        if TRACKER.fullmatch(key) and key not in KNOWN:
            continue
        text = _without_tail(key, text)
        if key not in KNOWN:
            errors.append(SettingError("error.link.part", got=key[:40]))
        elif found.setdefault(key, text) != text:
            errors.append(SettingError("error.link.twice", got=key, first=found[key][:40], last=text[:40]))
    return found, errors


def _parted(key: str, text: str) -> list[tuple[str, str]]:
    """Return the parts of a link that was encoded as one: its key holds signs that part them."""
    whole = f"{key}={text}" if text else key
    for _ in range(MOST_ENCODED):
        if "=" in key:
            return parse_qsl(whole, keep_blank_values=True)
        if not ESCAPE.search(key):
            break
        whole = key = unquote_plus(whole)
    return [(key, text)]


def _decoded(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the parts decoded once more, as long as any is still encoded, and without HTML's signs."""
    for _ in range(MOST_ENCODED):
        if not any(ESCAPE.search(text) for _, text in pairs):
            break
        pairs = [(key, unquote_plus(text)) for key, text in pairs]
    plain = [(UNSEEN.sub("", key).strip("?&;"), html.unescape(UNSEEN.sub("", text))) for key, text in pairs]
    return [(re.sub(r"^(amp;|#0*38;|#x0*26;)+", "", key, flags=re.I), text) for key, text in plain]


def _without_tail(key: str, text: str) -> str:
    """Return what a part of a link says, without what was put behind it."""
    text = TAIL.sub("", text)
    if key in PACKED or text.startswith("~"):
        text = "".join(text.split())
    keeps = {"f": "", "x": "}", "y": "]"}.get(key, "")
    while text:
        end = text[-1]
        unopened = end in BRACKETS and end not in keeps and (key != "f" or text.count(")") > text.count("("))
        if not unopened and (end not in SENTENCE or (key == "f" and end == " ")):
            break
        text = text[:-1]
    return text


def read_link() -> list[PCGraphError]:
    """Mend the link at the first run of a session; return what is wrong with it."""
    if "link" in st.session_state:
        return []
    st.session_state["link"] = True
    link = st.query_params.to_dict()
    all_of = {key: st.query_params.get_all(key) for key in link}
    found, errors = mend(link)
    for key, texts in all_of.items():
        if len(set(texts)) > 1:
            errors.append(SettingError("error.link.twice", got=key[:40], first=texts[0][:40], last=texts[-1][:40]))
    if found != link:
        st.query_params.from_dict(found)
    return errors
