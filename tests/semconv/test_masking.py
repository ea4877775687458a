import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clawtrace_otel.semconv import masking, token_rules
from clawtrace_otel.semconv.masking import HIDDEN, MASK, MAX_MASKED_CHARS, mask
from tests.semconv.secrets import ORDINARY, PASSWORD, PLACED, TOKENS, Placed, drawn, dumped

SECONDS_A_TEXT = 2.0
"""Far more than any text needs, on a busy machine."""

SURROUNDINGS = st.text(st.characters(codec="utf-8"), max_size=60)


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
@pytest.mark.parametrize(
    "text", ['{{"x": "{}"}}', "see {}, please", "https://h/p?x={}&y=1", "<{}>", "a\n{}\nb", "{}"]
)
def test_a_token_is_masked_by_its_form(token: str, text: str) -> None:
    assert mask(text.format(token)) == text.format(MASK)


@pytest.mark.parametrize("placed", PLACED.values(), ids=PLACED)
def test_a_secret_is_masked_by_its_place(placed: Placed) -> None:
    masked = mask(placed.text)
    assert placed.secret in placed.text
    assert placed.secret not in masked
    assert MASK in masked


def test_the_rest_of_a_text_stays_readable() -> None:
    assert mask(dumped(user="bob", password=PASSWORD, q="x")) == dumped(
        user="bob", password=MASK, q="x"
    )
    assert mask(f"postgres://app:{PASSWORD}@db:5432/app") == f"postgres://app:{MASK}@db:5432/app"
    assert mask(f"password={PASSWORD} for bob") == f"password={MASK} for bob"


@pytest.mark.parametrize("text", ORDINARY)
def test_an_ordinary_text_stays_as_it_is(text: str) -> None:
    assert mask(text) == text


@given(SURROUNDINGS, st.sampled_from([*TOKENS.values()]), SURROUNDINGS)
@settings(max_examples=200, deadline=None)
def test_whatever_stands_around_a_token_it_is_masked(before: str, token: str, after: str) -> None:
    assert token not in mask(f"{before} {token} {after}")


@given(SURROUNDINGS, SURROUNDINGS.filter(bool), SURROUNDINGS)
@settings(max_examples=200, deadline=None)
@example("", '"', "")
@example("", "\\", '"')
def test_whatever_a_password_is_made_of_it_is_masked(before: str, tail: str, after: str) -> None:
    """Its beginning marks it: a part of it could stand elsewhere by chance."""
    password = PASSWORD + tail
    masked = mask(dumped(before=before, password=password, zone=after))
    assert PASSWORD not in masked
    assert dumped(password=password)[1:-1] not in masked


@given(st.text(st.characters(codec="utf-8"), max_size=200) | st.sampled_from(ORDINARY))
@settings(max_examples=200, deadline=None)
def test_a_masked_text_is_masked_no_further(text: str) -> None:
    assert mask(mask(text)) == mask(text)


@pytest.mark.parametrize("name", [*TOKENS, *PLACED])
def test_a_secret_is_masked_once_and_for_all(name: str) -> None:
    text = TOKENS[name] if name in TOKENS else PLACED[name].text
    assert mask(mask(text)) == mask(text)


def test_a_long_text_is_cut() -> None:
    assert len(mask("a b " * MAX_MASKED_CHARS)) == MAX_MASKED_CHARS


def test_every_rule_of_the_package_can_be_compiled() -> None:
    """A newer version of it may have others."""
    rules = {rule for rules in token_rules.rules_by_keyword().values() for rule in rules}
    assert len(rules) > 200
    for rule in rules:
        assert list(rule.find("nothing")) == []


@pytest.mark.parametrize(
    "unit",
    [
        *("curl -u ", "password ", "password=", 'password="', "key_", "adafruit_", "--a-", "\\"),
        *("-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "://a:", "bearer ", "ey", " ", "token:\\"),
    ],
)
def test_no_text_takes_long(unit: str) -> None:
    text = (unit * MAX_MASKED_CHARS)[:MAX_MASKED_CHARS]
    started = time.perf_counter()
    mask(text)
    assert time.perf_counter() - started < SECONDS_A_TEXT


def test_a_text_is_hidden_if_the_rules_are_missing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    text = f"never seen before: {drawn(30)}"
    monkeypatch.setattr(token_rules, "PACKAGE", "clawtrace_no_such_package")
    token_rules.rules_by_keyword.cache_clear()
    try:
        assert mask(text) == HIDDEN
        masking.warm_up()
    finally:
        token_rules.rules_by_keyword.cache_clear()
    assert drawn(30) not in caplog.text
    monkeypatch.undo()
    assert mask(f"{text}!") == f"{text}!"
