"""The pages say what the last tries found, and nothing that was not tried."""

import re

import pytest
import yaml

from tests.pages import pages, results
from tests.pages.tries import NOT_TRIED, TRIES

NAMES = pages.names()
RESULTS = results.load()
EVERY = [name for page in NAMES for name in pages.tries_of(page)]


@pytest.mark.parametrize("name", EVERY)
def test_the_lines_of_a_page_are_those_that_ran_last(name: str) -> None:
    assert name in RESULTS, f"run: python -m tests.pages {name}"
    assert RESULTS[name].digest == pages.digest(name), f"run: python -m tests.pages {name}"


@pytest.mark.parametrize("page", NAMES)
def test_a_page_shows_what_the_last_tries_found(page: str) -> None:
    assert pages.text_of(page) == pages.written(page, RESULTS), "run: python -m tests.pages --write"


def test_every_page_is_tried_or_says_why_it_is_not() -> None:
    assert {name.partition(":")[0] for name in EVERY} | set(NOT_TRIED) == set(NAMES) - {pages.INDEX}
    assert not {name.partition(":")[0] for name in EVERY} & set(NOT_TRIED)
    assert set(TRIES) == set(EVERY) == set(RESULTS)


@pytest.mark.parametrize("page", [page for page in NAMES if page != pages.INDEX])
def test_every_page_is_in_the_index_and_shows_its_card(page: str) -> None:
    assert f"]({page}.md)" in pages.text_of(pages.INDEX)
    text = pages.text_of(page)
    assert "<!-- tried -->" in text
    assert page in NOT_TRIED or "<!-- card" in text


@pytest.mark.parametrize("page", [page for page in NAMES if page not in NOT_TRIED])
def test_no_lines_to_put_in_escape_the_tries(page: str) -> None:
    text = pages.text_of(page)
    fences = re.findall(r"^```(?:sh|python|js|toml|json)$", text, re.MULTILINE)
    assert len(fences) == len(pages.blocks(text))


@pytest.mark.parametrize("name", EVERY)
def test_the_card_of_a_try_adds_up(name: str) -> None:
    for text in RESULTS[name].card.split("---\n"):
        card = yaml.safe_load(text)
        total = card["total"]
        calls = [step["usd"] for step in card["steps"] if "llm" in step]
        assert total["llm_calls"] == len(calls)
        assert (total["cost_usd"] or 0) == pytest.approx(sum(calls))


def test_an_edited_line_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    name = EVERY[0]
    page = name.partition(":")[0]
    text = pages.text_of(page)
    edited = text.replace("```sh\n", "```sh\ntrue\n")
    assert edited != text
    monkeypatch.setattr(pages, "text_of", lambda _: edited)
    assert pages.digest(name) != RESULTS[name].digest
