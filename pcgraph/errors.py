"""What can go wrong, each as one sentence: what, where, got and expected, next step."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import islice
from typing import Any

from pcgraph.messages import LANGUAGES, say

LONGEST = 64  # characters of a word that are looked at for one that it may have meant


class PCGraphError(ValueError):
    """A problem the user can mend, told in one sentence from the message table.

    `key` names the sentence and `slots` fills it, so that a page can say it in any language; a slot may be another
    error, the reason.
    """

    def __init__(self, key: str, **slots: Any) -> None:
        self.key, self.slots = key, slots
        super().__init__(self.text())

    def __reduce__(self) -> tuple[Any, ...]:
        """Let it go from one process to another as it is: made anew from key and slots, not from its sentence."""
        return _again, (type(self), self.key, self.slots)

    def text(self, language: str | None = None) -> str:
        """Return the sentence in a language."""
        parts = self.slots.items()
        texts = {name: part.text(language) if isinstance(part, PCGraphError) else part for name, part in parts}
        return say(self.key, language, **texts)


def _again(kind: type[PCGraphError], key: str, slots: dict[str, Any]) -> PCGraphError:
    return kind(key, **slots)


class GraphError(PCGraphError):
    """The graph is not one: a cycle, an unknown name, a wrong number of inputs."""


class OpError(PCGraphError):
    """A node could not be computed: its shapes do not fit or a value lies outside the op's domain."""


class DocumentError(PCGraphError):
    """A file, link or JSON text is not a version 1 document."""


class FormulaError(PCGraphError):
    """A formula could not be read; the sentence gives line and column."""


class NumberError(PCGraphError):
    """A typed or pasted text is no number, or not as many as it should be."""


class LimitError(PCGraphError):
    """Something is larger than an app open to a class allows."""


class SettingError(PCGraphError):
    """A method, rate, number of steps or other setting is out of its range."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the nearest known word in the form " Did you mean 'tanh'?", or "" when none is near its beginning.

    >>> did_you_mean("tahn", ["tanh", "exp"])
    " Did you mean 'tanh'?"
    """
    near = nearest(word, known)
    return "" if near is None else say("error.did_you_mean", name=near)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that a misspelt one may have meant, or None.

    First counts a word of the same letters, in other case or order, then what difflib finds close.

    >>> nearest("ReLU", ["relu", "tan"]), nearest("tahn", ["tan", "tanh"]), nearest("x1", ["tanh"])
    ('relu', 'tanh', None)
    """
    word, known = str(word)[:LONGEST], list(islice(known, 300))  # 10,000 names, or one as long as a book, take seconds
    same = [each for each in known if sorted(each.casefold()) == sorted(word.casefold())]
    return next(iter(same or difflib.get_close_matches(word, known, n=1)), None)


def check_language(language: str | None) -> None:
    """Raise SettingError for a language that nobody has translated into; None is the one that is spoken.

    >>> check_language("fr")
    Traceback (most recent call last):
    pcgraph.errors.SettingError: The setting language can't be 'fr'. Known: en, zh. Choose one of these.
    """
    if language is not None and language not in LANGUAGES:
        raise SettingError("error.setting", setting="language", got=language, known=", ".join(LANGUAGES))
