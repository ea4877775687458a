"""``report.md`` as a reader of Markdown sees it, with the tables of GitHub."""

import re
from functools import cache

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from clawtrace_otel.costcraft.report.markdown import code, plain, prose, render_markdown
from clawtrace_otel.costcraft.report.view import LIMITS, ReportView, shown
from clawtrace_otel.costcraft.report.words import line
from tests.costcraft.patch_files import odd_texts
from tests.costcraft.report.views import example_view, views

slowly = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ANCHOR = re.compile(r'<a id="[A-Za-z0-9_.:-]+">|</a>')


@cache
def reader() -> MarkdownIt:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"])


def tokens(text: str) -> list[Token]:
    found = reader().parse(text)
    return [inner for token in found for inner in (token, *(token.children or []))]


def said(text: str) -> str:
    """What a reader sees of one line."""
    [_, inline, _] = reader().parse(text)
    assert {token.type for token in inline.children or []} <= {
        "text",
        "code_inline",
        "text_special",
    }
    return "".join(token.content for token in inline.children or [])


@slowly
@given(views)
def test_no_text_becomes_markup_and_every_link_leads_to_an_anchor(view: ReportView) -> None:
    found = tokens(render_markdown(shown(view)))
    assert not [t for t in found if t.type in ("html_block", "image", "s_open", "code_block")]
    html = [token.content for token in found if token.type == "html_inline"]
    assert all(ANCHOR.fullmatch(tag) for tag in html)
    anchors = [tag.split('"')[1] for tag in html if tag != "</a>"]
    assert len(anchors) == len(set(anchors))
    links = [str(token.attrs["href"]) for token in found if token.type == "link_open"]
    assert {link.removeprefix("#") for link in links} <= set(anchors)
    assert sum(token.type == "fence" for token in found) == 1


@slowly
@given(views)
def test_a_report_has_its_headings_and_rows_and_no_others(view: ReportView) -> None:
    parts = shown(view)
    found = tokens(render_markdown(parts))
    headings = [token.tag for token in found if token.type == "heading_open"]
    made = [p for rule in parts.rules for p in rule.patches] + list(parts.unused)
    assert headings.count("h1") == 1
    assert headings.count("h3") == 1 + len(parts.rules) + len(parts.rejected)
    assert headings.count("h4") == len(made)
    rows = sum(token.type == "tr_open" for token in found)
    expected = [1 + len(group.patches) for group in parts.rejected]
    assert rows == sum(expected) + (1 + len(parts.runs) if parts.runs else 0)


@example("__0__")
@given(odd_texts | st.text("`|<>[]*_-#+1.)~$\\&; ax", max_size=8))
def test_a_line_from_elsewhere_is_shown_as_it_is(text: str) -> None:
    shown_line = line(text)
    if shown_line:
        assert said(plain(shown_line)) == shown_line
        assert said(f"x {code(shown_line)}") == f"x {shown_line}"
        assert said(prose(shown_line)).replace("`", "") == shown_line.replace("`", "")


@pytest.mark.parametrize("text", ["a | b", "`a | b`", "\\|", "`\\`"])
def test_a_bar_stays_within_its_cell(text: str) -> None:
    table = f"| x | y |\n|---|---|\n| {prose(text, in_table=True)} | z |\n"
    found = tokens(table)
    starts = [n for n, token in enumerate(found) if token.type == "td_open"]
    assert len(starts) == 2
    children = found[starts[0] + 1].children or []
    assert "".join(token.content for token in children) == text.replace("`", "")


def test_the_limits_stand_at_the_top_word_for_word() -> None:
    assert LIMITS == (
        "Without running an agent nothing here says that the evolved skill keeps task success; "
        "it says what the evidence supports, rule by rule."
    )
    assert f"**{LIMITS}**" in render_markdown(shown(example_view())).split("## ")[0]


def test_a_fence_in_the_skill_does_not_end_the_fence_around_it() -> None:
    text = render_markdown(shown(example_view()))
    assert text.rstrip().endswith("````")
    assert "\n````diff\n" in text
