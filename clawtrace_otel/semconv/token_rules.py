"""Secrets that are known by their form: gitleaks' rules, which ``maskerlogger`` ships.

Only its file is read; its code starts a thread a text and knows neither the rules' entropies nor
what they allow (``docs/decisions/0010-content-and-secrets.md``). The keys of the file are those of
https://github.com/gitleaks/gitleaks#configuration.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import chain
from math import log2
from pathlib import Path
from typing import Any

PACKAGE = "maskerlogger"
_FILE = "config/gitleaks.toml"

_BY_SURROUNDINGS = frozenset({"generic-api-key", "curl-auth-header", "curl-auth-user"})
"""Rules that know a secret by what stands around it: :mod:`clawtrace_otel.semconv.masking` does,
and these take up to a second for 8 kB in Python's ``re``, which goes back where Go's does not."""

_DELIMITER = r"""(?:[\x60'"\s;]|\\[nr]|$)"""
_BEFORE = r"[\w.-]{0,50}?"
_IGNORE_CASE = "(?i)"

Bounds = tuple[int, int]
"""Where a secret begins and ends in a text."""


@dataclass(frozen=True, slots=True)
class TokenRule:
    """One rule.

    Attributes:
        source: regular expression in Go's syntax.
        entropy: bits a character that a secret has at least.
        group: of ``source`` that is the secret; 0 is the first that matched.
        allowed: expressions of what is no secret.
    """

    source: str
    entropy: float = 0.0
    group: int = 0
    allowed: tuple[str, ...] = ()

    def find(self, text: str) -> Iterator[Bounds]:
        """The secrets in a text."""
        for match in _compiled(self.source).finditer(text):
            group = self.group or match.lastindex or 0
            secret = match[group]
            if entropy(secret) >= self.entropy and not self._allows(secret):
                yield match.span(group)

    def _allows(self, secret: str) -> bool:
        return any(_compiled(source).search(secret) for source in self.allowed)


@cache
def rules_by_keyword() -> dict[str, list[TokenRule]]:
    """The rules that hold for any text, by each of their keywords.

    Raises:
        ModuleNotFoundError, OSError, ValueError: the file is not there, or is none.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        msg = f"the rules for secrets are missing: the package {PACKAGE} is not installed"
        raise ModuleNotFoundError(msg)
    told = tomllib.loads((Path(spec.origin).parent / _FILE).read_text("utf-8"))
    rules: dict[str, list[TokenRule]] = {}
    for rule in told["rules"]:
        if rule["id"] not in _BY_SURROUNDINGS and "path" not in rule:
            for keyword in rule["keywords"]:
                rules.setdefault(keyword, []).append(_rule(rule))
    return rules


def find_tokens(text: str) -> Iterator[Bounds]:
    """The secrets in a text that are known by their form.

    Raises:
        ModuleNotFoundError, OSError, ValueError: see :func:`rules_by_keyword`.
    """
    lower = text.lower()
    found = [rules for keyword, rules in rules_by_keyword().items() if keyword in lower]
    for rule in dict.fromkeys(chain.from_iterable(found)):
        yield from rule.find(text)


def entropy(text: str) -> float:
    """Shannon's, in bits a character."""
    counts = Counter(text).values()
    return -sum(n / len(text) * log2(n / len(text)) for n in counts)


def _rule(told: Mapping[str, Any]) -> TokenRule:
    return TokenRule(
        source=told["regex"],
        entropy=told.get("entropy", 0.0),
        group=told.get("secretGroup", 0),
        allowed=tuple(
            source for allowlist in told.get("allowlists", ()) for source in _allowed(allowlist)
        ),
    )


def _allowed(allowlist: Mapping[str, Any]) -> list[str]:
    return [] if "regexTarget" in allowlist else list(allowlist.get("regexes", ()))


@cache
def _compiled(source: str) -> re.Pattern[str]:
    """Go's expression in Python's syntax.

    What must follow a secret is left out: in JSON and URLs other delimiters do. So is what may
    stand before it, which tells nothing and costs time.
    """
    flags = re.IGNORECASE if _IGNORE_CASE in source else re.NOFLAG
    plain = source.replace(_IGNORE_CASE, "").replace(r"\z", r"\Z")
    return re.compile(plain.removeprefix(_BEFORE).removesuffix(_DELIMITER), flags)
