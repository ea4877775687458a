"""The page as a browser's parser sees it."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import pairwise
from xml.etree.ElementTree import Element

import pytest
from hypothesis import HealthCheck, given, settings
from tinyhtml5.parser import HTMLParser

from clawtrace_otel.costcraft.model import Rule
from clawtrace_otel.costcraft.report.page import render_page
from clawtrace_otel.costcraft.report.view import LIMITS, ReportView, shown
from tests.costcraft.patch_files import example
from tests.costcraft.report.views import bare_view, empty_view, example_view, views

SVG = "{http://www.w3.org/2000/svg}svg"

slowly = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def page(view: ReportView) -> Element:
    """The page, parsed; a browser would have nothing to mend."""
    parser = HTMLParser(namespace_html_elements=False)
    root: Element = parser.parse(render_page(shown(view)))
    assert parser.errors == []
    return root


def elements(root: Element) -> Iterator[Element]:
    return root.iter()


def text(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def by_id(root: Element, name: str) -> Element:
    return next(element for element in elements(root) if element.get("id") == name)


@cache
def known_tags() -> frozenset[str]:
    """Elements of the example, which has every part that a page can have."""
    return frozenset(element.tag for element in elements(page(example_view())))


@slowly
@given(views)
def test_no_text_becomes_markup_and_every_link_leads_to_one_place(view: ReportView) -> None:
    root = page(view)
    found = list(elements(root))
    assert {element.tag for element in found} <= known_tags()
    assert not [name for e in found for name in e.attrib if str(name).startswith("on")]
    ids = Counter(element.get("id") for element in found if element.get("id"))
    assert max(ids.values()) == 1
    links = [element.get("href", "") for element in found if element.tag == "a"]
    assert {link[:1] for link in links} == {"#"}
    assert {link[1:] for link in links} <= set(ids)


@slowly
@given(views)
def test_any_report_says_what_it_does_not_say(view: ReportView) -> None:
    assert LIMITS in text(page(view))


def test_the_page_needs_nothing_from_elsewhere_and_no_script() -> None:
    root = page(example_view())
    assert "script" not in known_tags()
    for element in elements(root):
        outside = {
            name: element.get(name) for name in ("src", "href", "action", "data", "xlink:href")
        }
        assert all(v is None or v[0] == "#" or v == "data:," for v in outside.values())
    style = next(element for element in elements(root) if element.tag == "style")
    assert "url(" not in text(style)
    assert "@import" not in text(style)


def test_a_tool_whose_name_is_a_script_is_shown_as_it_is() -> None:
    assert "<script>alert(1)</script>" in text(by_id(page(example_view()), "rules"))


def test_every_patch_and_every_rule_has_its_anchor() -> None:
    view = example_view()
    root = page(view)
    for patch in view.file.patches:
        assert text(by_id(root, f"patch-{patch.id}"))
    for number, rule in enumerate(view.file.rules, 1):
        assert rule.text.replace("`", "") in text(by_id(root, f"rule-{number}"))


def test_patches_whose_anchors_would_be_the_same_get_numbers() -> None:
    patches = example().patches[:2]
    patches[0].id, patches[1].id = "prune a", "prune?a"
    root = page(bare_view(patches=patches, rules=[]))
    assert text(by_id(root, "patch-prune-a")) != text(by_id(root, "patch-prune-a-2"))


def test_a_patch_of_two_rules_stands_below_the_first_and_is_linked_from_the_second() -> None:
    [first, *_] = example().rules
    again = Rule(text="Again.", section="Workflow", patches=[*first.patches, "nobody"])
    root = page(bare_view(rules=[first, again]))
    second = by_id(root, "rule-2")
    assert [a.get("href") for a in elements(second) if a.tag == "a"][1:] == [
        f"#patch-{first.patches[0]}"
    ]
    assert "patches that are not there: nobody" in text(second)


def test_headings_go_down_one_level_at_a_time_and_there_is_one_of_the_first() -> None:
    levels = [
        int(e.tag[1]) for e in elements(page(example_view())) if re.fullmatch("h[1-6]", e.tag)
    ]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_header_of_a_table_says_what_it_is_the_header_of() -> None:
    headers = [element for element in elements(page(example_view())) if element.tag == "th"]
    assert headers
    assert {header.get("scope") for header in headers} <= {"col", "row", "rowgroup"}


def test_every_bar_stands_beside_its_words_and_is_hidden_from_who_listens() -> None:
    root = page(example_view())
    bars = [element for element in elements(root) if element.tag == SVG]
    assert len(bars) == 4
    assert all(bar.get("aria-hidden") == "true" for bar in bars)
    told = [text(e) for e in elements(root) if e.tag == "dd" and e.find(SVG) is not None]
    assert told[0].startswith("14 of 40 runs (Wilson 95 % 22..50 %), of 9 tasks; ")
    assert told[1] == "$0.0014 to $0.0061"


def test_a_report_on_nothing_says_so() -> None:
    told = text(page(empty_view()))
    assert "No rule came of 0 runs of 0 tasks. The skill is what it was." in told
    assert "None was rejected." in told
    assert "No language model was asked." in told


def _colors(css: str) -> dict[str, str]:
    return dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", css))


def _luminance(color: str) -> float:
    parts = [int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colors_have_the_contrast_that_wcag_asks_for(scheme: str) -> None:
    css = files("clawtrace_otel.costcraft.report").joinpath("templates/report.css.j2").read_text()
    light, dark = css.split("@media (prefers-color-scheme: dark)")
    colors = _colors(light if scheme == "light" else dark)
    for front, backs in (
        ("text", ("page", "card", "code", "note", "added", "removed")),
        *((front, ("page", "card", "code")) for front in ("soft", "link")),
        *((tag, ("card",)) for tag in ("prune", "repair", "preserve", "weak", "mid", "strong")),
    ):
        for back in backs:
            low, high = sorted((_luminance(colors[front]), _luminance(colors[back])))
            assert (high + 0.05) / (low + 0.05) >= 4.5, (front, back)
