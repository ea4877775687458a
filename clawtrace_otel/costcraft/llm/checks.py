"""What a rule in a model's words has to be before any gate looks at it: a sentence, and no more.

Whatever made the model propose it, a text in the run included, only such a sentence comes out.
"""

import re
from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

from clawtrace_otel.semconv.masking import mask

MAX_RULE_CHARS = 300

_NAME = re.compile(r"`([^`]*)`")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_URL = re.compile(
    r"\b[a-z][a-z0-9+.-]*://|\bwww\.|\b[\w-]+\.(?:com|org|net|io|dev|sh)\b", re.IGNORECASE
)
_MARKUP = re.compile(r"^\s*(?:[#>*+-]|\d+[.)])\s|```|</?[a-z!]|\]\(|\{\{|\{%", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TURNING = _words(
    "no not never none nothing neither nor cannot without unless except only until before after if "
    "first last least most more less"
)
"""Words that turn a rule into another one if they come or go."""

_BINDING = _TURNING | _words(
    "when while whenever always must should may all any every each again instead or and"
)
"""Words that say when and how far it binds."""

_LIMITING = _words(
    "no not never none nothing nor cannot without only unless until once instead rather avoid "
    "skip stop omit drop fewer less"
)
"""Words of which a rule that forbids something has one."""

_STEM_CHARS = 4
_MIN_CHARS = 4
_COMMON = frozenset(
    word[:_STEM_CHARS]
    for word in _BINDING
    | _words(
        "agent call called does from have into than that then them they "
        "this tool user were what which with will your"
    )
    if len(word) >= _MIN_CHARS
)


def why_no_rule(rule: str, names: Collection[str]) -> str:
    """Why a text is no rule; empty if it is one.

    Args:
        rule: the text.
        names: of the tools and their arguments: what may stand in backticks.
    """
    if not rule.strip():
        return "it is empty"
    if len(rule) > MAX_RULE_CHARS:
        return f"it has {len(rule)} characters; {MAX_RULE_CHARS} are allowed"
    if _CONTROL.search(rule) or _MARKUP.search(rule):
        return "it is not plain text on one line"
    if _URL.search(rule):
        return "it names an address of the web"
    if mask(rule) != rule:
        return "it holds a secret"
    if rule.count("`") % 2:
        return "a name in backticks does not end"
    unknown = sorted(set(_NAME.findall(rule)) - set(names))
    return f"it names `{unknown[0]}`, which is no tool or argument in any run" if unknown else ""


class Signature(NamedTuple):
    """What two wordings of one rule have in common.

    Attributes:
        names: in backticks.
        numbers: outside of them.
        turning: words that turn its meaning, and how often.
        binding: these, and words that say when and how far it binds.
    """

    names: tuple[str, ...]
    numbers: tuple[str, ...]
    turning: tuple[tuple[str, int], ...]
    binding: tuple[tuple[str, int], ...]


def signature(rule: str) -> Signature:
    """See :class:`Signature`."""
    prose = _NAME.sub(" ", rule)
    counts = Counter(_plain(word) for word in _WORD.findall(prose))
    return Signature(
        names=tuple(sorted(set(_NAME.findall(rule)))),
        numbers=tuple(sorted(_NUMBER.findall(prose))),
        turning=tuple(sorted((w, n) for w, n in counts.items() if w in _TURNING)),
        binding=tuple(sorted((w, n) for w, n in counts.items() if w in _BINDING)),
    )


def forbids(rule: str) -> bool:
    """Whether a rule says what not to do, or when to stop."""
    prose = _NAME.sub(" ", rule)
    return any(_plain(word) in _LIMITING for word in _WORD.findall(prose))


def stems(rule: str) -> set[str]:
    """The beginnings of its words of four letters and more, but for those that any rule has."""
    words = _WORD.findall(_NAME.sub(" ", rule).lower())
    return {word[:_STEM_CHARS] for word in words if len(word) >= _MIN_CHARS} - _COMMON


def _plain(word: str) -> str:
    folded = word.lower().replace("\u2019", "'")
    return "not" if folded.endswith("n't") else folded
