"""Secrets in texts are masked: those known by their form, and those known by their place.

Vendors' tokens have a form (:mod:`clawtrace_otel.semconv.token_rules`). A password has none; it is
known by its place: behind a name, in a header, in a URL.
"""

import logging
import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache

from clawtrace_otel.processors.quiet_log import QuietLog
from clawtrace_otel.semconv.token_rules import Bounds, find_tokens, rules_by_keyword

_log = QuietLog(logging.getLogger(__name__))

MASK = "[masked]"
HIDDEN = "[hidden: secrets could not be masked]"
MAX_MASKED_CHARS = 8192
"""Longer texts are cut before they are read; so much of a text is never shown."""

_CACHED_TEXTS = 2048
_CACHED_CHARS = 1024

_NAME = (
    r"(?:pass(?:word|wd|phrase|code)|(?<![a-z])pass|[_-]pwd|secret|credentials?|cookie"
    r"|(?<!page)(?<!page[_-])(?<!next)(?<!next[_-])token|authorization"
    r"|(?:access|account|api|auth|client|encryption|master|private|secret|service|signing|storage)"
    r"[_-]?key)\d*"
)
"""How the name of a field, header, parameter, flag or variable ends that holds a secret."""

_QUOTED = r"""[bfru]{0,2}(?P<quote>\\*["'`])(?!(?P=quote))(?P<secret>.*?)(?:(?<!\\)(?P=quote)|\Z)"""
"""The quotes of JSON in JSON have backslashes. What was cut has no second quote."""

_BARE = r"""(?!(?:null|true|false|none)\b)(?P<secret>(?:(?:basic|bearer|digest|token)\s+)?"""
_BARE += r"""[^\s"'`\\,;&$<({\[|-][^\s"'`\\,;&]*)"""

_CUES = ("pass", "pwd", "secret", "credential", "cookie", "token", "authorization", "key")

_PLACES: tuple[tuple[tuple[str, ...], str], ...] = (
    (_CUES, rf"""{_NAME}(?:\\*["']\]?)?\s*(?:=>|:=|={{1,3}}|:)\s*{_QUOTED}"""),
    (_CUES, rf"""{_NAME}(?:\\*["']\]?)?(?:\s*(?:=>|:(?!=))\s*|=){_BARE}"""),
    (_CUES, rf"""(?<!\w)--?(?:\w+-)*{_NAME}\s+{_QUOTED}"""),
    (_CUES, rf"""(?<!\w)--?(?:\w+-)*{_NAME}\s+{_BARE}"""),
    # RFC 6750; a digit, because people write of bearers as well.
    (("bearer",), r"\bbearer\s+(?P<secret>(?=[\w.~+/-]*\d)[\w.~+/-]{12,}=*)"),
    # RFC 3986, 3.2.1: user and password in a URL.
    (("://",), r"""://[^\s/:@"'\\]*:(?P<secret>[^\s/@"'\\]+)@"""),
    (
        ("curl",),
        r"""\bcurl\s[^\n]{0,200}?\s(?:-u|--user)[\s=]?\\*["']?[^\s:"'\\]+:(?P<secret>[^\s"'\\]+)""",
    ),
    # RFC 7468; also if the end was cut off.
    (
        ("-----begin",),
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,8}-----(?P<secret>(?:(?!-----END).)+)",
    ),
)
"""Words of which one is in a text that has such a place, in lower case, and the place."""


def mask(text: str) -> str:
    """``text`` with ``[masked]`` in place of each secret.

    Never raises: a text that cannot be read is hidden. At most ``MAX_MASKED_CHARS`` are returned.
    """
    text = text[:MAX_MASKED_CHARS]
    return _mask_short(text) if len(text) <= _CACHED_CHARS else _mask(text)


def warm_up() -> None:
    """Read the rules now rather than with the first text. Never raises."""
    try:
        rules_by_keyword()
    except Exception:
        _log.exception("secrets cannot be masked; texts will be hidden")


def _mask(text: str) -> str:
    try:
        return _replaced(text, _merged([*find_tokens(text), *_find_placed(text)]))
    except Exception:
        _log.exception("a text is hidden because secrets in it cannot be masked")
        return HIDDEN


_mask_short = lru_cache(_CACHED_TEXTS)(_mask)


@cache
def _place(source: str) -> re.Pattern[str]:
    return re.compile(source, re.IGNORECASE | re.DOTALL)


def _find_placed(text: str) -> Iterator[Bounds]:
    lower = text.lower()
    for cues, source in _PLACES:
        if any(cue in lower for cue in cues):
            for match in _place(source).finditer(text):
                yield match.span("secret")


def _merged(found: Iterable[Bounds]) -> list[Bounds]:
    """Bounds in order; those that overlap as one."""
    merged: list[Bounds] = []
    for start, end in sorted(found):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _replaced(text: str, found: Iterable[Bounds]) -> str:
    parts, at = [], 0
    for start, end in found:
        parts += [text[at:start], MASK]
        at = end
    return "".join([*parts, text[at:]])
