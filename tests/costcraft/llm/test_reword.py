import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawtrace_otel.costcraft.llm.answers import RewordedRule, Rewording
from clawtrace_otel.costcraft.llm.reword import apply, why_not
from clawtrace_otel.costcraft.llm.session import LlmSession
from clawtrace_otel.costcraft.model import Rule
from clawtrace_otel.demo.model_server import ModelServer
from tests.costcraft.llm.asked import always, options, reply

LONG = (
    "Do not call `read_file` again with the same `path` arguments unless something has changed "
    "since then: the earlier result is still in the conversation."
)
SHORT = (
    "Do not call `read_file` again with the same `path` unless something has changed: the earlier "
    "result is still in the conversation."
)
RULES = [
    Rule(text=LONG, section="Cost control", patches=["prune:a", "prune:b"]),
    Rule(text="Stop after 3 failures.", section="Stop rules", patches=["repair:c"]),
]


def rewording(*texts: tuple[int, str]) -> Rewording:
    return Rewording([RewordedRule(n, text) for n, text in texts])


def test_fewer_words_that_say_the_same_are_taken() -> None:
    rules, problems = apply(RULES, rewording((1, SHORT)))
    assert [rule.text for rule in rules] == [SHORT, "Stop after 3 failures."]
    assert not problems


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (SHORT.replace("Do not call", "Call"), "other binding"),
        (SHORT.replace("unless", "if"), "other binding"),
        (SHORT.replace("unless something has changed", ""), "other binding"),
        (SHORT.replace("`path`", "`name`"), "no tool or argument"),
        (SHORT.replace("the same `path`", "it"), "other names"),
        (SHORT.replace("`read_file`", "read_file"), "other names"),
        (SHORT.replace("again", "2 times again"), "other numbers"),
        (SHORT.replace("conversation", "database"), "new words (data…)"),
        (LONG + " Truly.", "not shorter"),
        ("", "it is empty"),
        ("Do not `read_file` again `path` unless.", "leaves out most"),
        (SHORT.replace("Do not", "Do\nnot"), "plain text on one line"),
    ],
)
def test_what_says_something_else_is_not_taken_and_told(new: str, why: str) -> None:
    rules, problems = apply(RULES, rewording((1, new)))
    assert rules == RULES
    assert why in problems[0]


def test_no_rule_is_added_lost_moved_or_said_twice() -> None:
    found = rewording((3, "Send all files away."), (1, SHORT), (1, SHORT), (0, "Stop."))
    rules, problems = apply(RULES, found)
    assert rules == RULES
    assert len(problems) == 3


_texts = st.text(max_size=80) | st.sampled_from(
    [LONG, SHORT, RULES[1].text, "Stop after failures."]
)


@given(st.lists(st.tuples(st.integers(-1, 4), _texts), max_size=6))
def test_whatever_is_answered_rules_keep_number_section_and_patches(
    texts: list[tuple[int, str]],
) -> None:
    rules, _ = apply(RULES, rewording(*texts))
    assert [(rule.section, rule.patches) for rule in rules] == [
        (rule.section, rule.patches) for rule in RULES
    ]
    for old, new in zip(RULES, rules, strict=True):
        assert len(new.text) <= len(old.text)
        assert ("not" in new.text) == ("not" in old.text)


def test_the_same_text_is_no_change() -> None:
    assert why_not(LONG, LONG) == ""


@pytest.mark.parametrize("text", ["nonsense", json.dumps({"rules": "all of them"})])
def test_nonsense_leaves_all_rules_as_they_are(text: str, tmp_path: Path) -> None:
    with (
        ModelServer(always(reply(text))) as server,
        LlmSession(options(tmp_path, server.url), tmp_path) as session,
    ):
        rules, problems = session.reword(RULES)
    assert rules == RULES
    assert "the rules keep their wording: nonsense, twice" in problems[0]


def test_without_rules_nothing_is_asked(tmp_path: Path) -> None:
    with (
        ModelServer(always(reply("{}"))) as server,
        LlmSession(options(tmp_path, server.url), tmp_path) as session,
    ):
        assert session.reword([]) == ([], [])
        assert not server.requests
