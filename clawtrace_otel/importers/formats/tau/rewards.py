"""What tau2-bench's oracle says of a simulation, as evaluations.

The reward is the verdict. Of a failed run each check that failed is an evaluator of its own without
a score or label, so that its explanation is evidence and changes nothing else: first the checks
that the reward is the product of (``reward_basis``), then the others.
"""

from collections.abc import Callable, Iterable, Iterator

from clawtrace_otel.importers.formats.json_object import JsonObject
from clawtrace_otel.importers.formats.tau.recorded_run import label_of
from clawtrace_otel.semconv.canonical import text_of
from clawtrace_otel.semconv.step import Evaluation

REWARD = "tau2"

MAX_NAMED = 3
"""Failed checks of a kind that are named; the rest is counted."""


def evaluations(info: JsonObject, time_ns: int) -> Iterator[Evaluation]:
    """The evaluations of a simulation.

    Args:
        info: its ``reward_info``.
        time_ns: when it ended; the evaluations follow one another from there, by importance.
    """
    reward = info.number("reward")
    if reward is None:
        return
    found = list(_evidence(info)) if reward != 1 else []
    note = "" if found else info.object("info").text("note") or _breakdown(info)
    yield Evaluation(REWARD, float(reward), label_of(reward), note, time_ns)
    for n, (name, text) in enumerate(found, 1):
        yield Evaluation(name=f"{REWARD} {name}", explanation=text, time_ns=time_ns + n)


def _breakdown(info: JsonObject) -> str:
    parts = info.object("reward_breakdown")
    return ", ".join(f"{name} {parts.number(name):g}" for name in parts.value if parts.number(name))


def _evidence(info: JsonObject) -> list[tuple[str, str]]:
    basis = info.value.get("reward_basis")
    basis = basis if isinstance(basis, list) else []
    found = [(name in basis, check, text(info)) for name, check, text in _CHECKS]
    found.sort(key=lambda item: not item[0])
    return [(check, text) for _, check, text in found if text]


def _database(info: JsonObject) -> str:
    matches = info.object("db_check").value.get("db_match")
    return "the final database is not the expected one" if matches is False else ""


def _env_assertions(info: JsonObject) -> str:
    asserted = (c.object("env_assertion") for c in _unmet(info, "env_assertions", "met"))
    return _named("not true at the end", map(_call, asserted))


def _actions(info: JsonObject) -> str:
    expected = (c.object("action") for c in _unmet(info, "action_checks", "action_match"))
    return _named("expected, not done", map(_call, expected))


def _communicated(info: JsonObject) -> str:
    unmet = _unmet(info, "communicate_checks", "met")
    return _named("not told to the user", (check.text("info") for check in unmet))


def _nl_assertions(info: JsonObject) -> str:
    unmet = _unmet(info, "nl_assertions", "met")
    return _named("not met", (check.text("nl_assertion") for check in unmet))


_CHECKS: tuple[tuple[str, str, Callable[[JsonObject], str]], ...] = (
    ("ACTION", "action_checks", _actions),
    ("ENV_ASSERTION", "env_assertions", _env_assertions),
    ("COMMUNICATE", "communicate_checks", _communicated),
    ("NL_ASSERTION", "nl_assertions", _nl_assertions),
    ("DB", "db_check", _database),
)
"""Name in ``reward_basis``, key of the check, what failed of it. What says most comes first."""


def _unmet(info: JsonObject, key: str, met: str) -> list[JsonObject]:
    return [check for check in info.objects(key) if check.value.get(met) is False]


def _call(action: JsonObject) -> str:
    name = action.text("name") or action.text("func_name")
    return name + text_of(action.value.get("arguments") or {})


def _named(what: str, texts: Iterable[str]) -> str:
    known = [text for text in texts if text]
    if not known:
        return ""
    more = f" and {len(known) - MAX_NAMED} more" if len(known) > MAX_NAMED else ""
    return f"{what}: {'; '.join(known[:MAX_NAMED])}{more}"
