"""What mended a failing call, as a fact of its form: no value of a run is in it."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlencode

from clawtrace_otel.costcraft.miners.arguments import (
    EMPTY_TEXT,
    NULL,
    PLAIN_TEXT,
    TEXTS,
    Arguments,
    is_name,
)

MAX_DIFFERENCES = 2
"""Calls that differ in more are two different calls, and say nothing of each other."""


class Repair(NamedTuple):
    """One thing that was different when the call succeeded.

    Attributes:
        kind: ``add``, ``remove`` or ``rename`` an argument, another ``form`` of one, another tool
            ``first``, or the same call ``again``.
        key: path of the argument; empty if it is about none.
        old: what it was: the argument's name or form before; of ``again`` the class of the error.
        new: what it is: the form, or the tool that was called first.
    """

    kind: str
    key: str = ""
    old: str = ""
    new: str = ""

    @property
    def detail(self) -> str:
        """As it stands in a pattern: ``kind=form&key=day&old=text&new=an ISO date``."""
        told = {name: value for name, value in self._asdict().items() if value}
        return urlencode(told, quote_via=quote, safe="[] /,.")

    @classmethod
    def of(cls, detail: str) -> "Repair":
        """The repair that a pattern's detail says."""
        return cls(**dict(parse_qsl(detail)))


_RULES: Mapping[str, Callable[[Repair, str], str]] = {
    "add": lambda r, tool: f"Pass `{r.key}` to `{tool}`.",
    "remove": lambda r, tool: f"Do not pass `{r.key}` to `{tool}`.",
    "rename": lambda r, tool: f"Pass `{r.key}` to `{tool}`, not `{r.old}`.",
    "form": lambda r, tool: f"Pass `{r.key}` to `{tool}` as {r.new}, not as {r.old}.",
    "first": lambda r, tool: (
        f"Call `{r.new}` before `{tool}`" + (f", to get `{r.key}`." if r.key else ".")
    ),
    "again": lambda r, tool: (
        f"When `{tool}` fails with `{r.old}`, call it once more with the same arguments."
    ),
}

_WHAT: Mapping[str, Callable[[Repair], str]] = {
    "add": lambda r: f"`{r.key}` was passed",
    "remove": lambda r: f"`{r.key}` was not passed",
    "rename": lambda r: f"`{r.key}` was passed instead of `{r.old}`",
    "form": lambda r: f"`{r.key}` was passed as {r.new}, not as {r.old}",
    "first": lambda r: (
        f"`{r.new}` was called" + (f", whose result has the value of `{r.key}`" if r.key else "")
    ),
    "again": lambda _: "nothing but time",
}


def rule_of(repair: Repair, tool: str) -> str:
    """The rule that would have kept the call from failing."""
    return _RULES[repair.kind](repair, tool)


def told(repair: Repair) -> str:
    """What was done, in few words."""
    return _WHAT[repair.kind](repair)


def differences(failed: Arguments, succeeded: Arguments) -> list[Repair]:
    """In what the forms of two calls differ; nothing if in too much."""
    added = _outermost(succeeded, failed)
    removed = _outermost(failed, succeeded)
    if len(added) == len(removed) == 1 and _is_moved(failed, removed[0], succeeded, added[0]):
        found = [Repair("rename", added[0], old=removed[0])]
    else:
        found = [Repair("add", key) for key in added]
        found += [Repair("remove", key) for key in removed]
    found += _forms(failed, succeeded)
    if len(found) > MAX_DIFFERENCES:
        return []
    return [r for r in found if is_name(r.key) and (r.kind != "rename" or is_name(r.old))]


def breaks(repair: Repair, arguments: Arguments) -> bool:
    """Whether a call is as it was before the repair; of repairs that are about arguments."""
    forms = arguments.forms
    if repair.kind == "add":
        return repair.key not in forms
    if repair.kind == "remove":
        return repair.key in forms
    if repair.kind == "rename":
        return repair.old in forms
    return repair.old in forms.get(repair.key, ())


def _outermost(here: Arguments, there: Arguments) -> list[str]:
    """Keys that only one of two calls has, in an object that both have."""
    return sorted(
        path
        for path in here.forms
        if path not in there.forms
        and not path.endswith("[]")
        and (not (above := _above(path)) or above in there.forms)
    )


def _above(path: str) -> str:
    """Path of the object that a key is in; empty if it is the arguments themselves."""
    return path.rpartition(".")[0]


def _is_moved(failed: Arguments, old: str, succeeded: Arguments, new: str) -> bool:
    said = failed.values.get(old)
    return bool(said) and said == succeeded.values.get(new) and _above(old) == _above(new)


def _forms(failed: Arguments, succeeded: Arguments) -> Iterator[Repair]:
    """Arguments that were of one kind and are of another one."""
    for path in sorted(failed.forms.keys() & succeeded.forms.keys()):
        before, after = failed.forms[path], succeeded.forms[path]
        if len(before) != 1 or len(after) != 1 or before == after:
            continue
        (old,), (new,) = before, after
        if new != NULL and not (old in TEXTS and new in TEXTS and _is_loose(old, new)):
            yield Repair("form", path, old, new)


def _is_loose(old: str, new: str) -> bool:
    """Whether no rule can ask for a form of text instead of another one."""
    return old == EMPTY_TEXT or new in (EMPTY_TEXT, PLAIN_TEXT)
