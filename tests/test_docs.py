"""The documents say what is: their commands, links, examples and tables are checked here.

``python -m tests.test_docs`` writes the settings table of the README again.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click
import pytest
import yaml

from clawtrace_otel.cli import main
from clawtrace_otel.errors import ConfigError
from clawtrace_otel.pricing.pricer import Reason
from clawtrace_otel.pricing.user_file import UserPrices
from clawtrace_otel.processors.cost import SAME_CALL
from clawtrace_otel.processors.redundancy import RepeatKind, Verdict
from clawtrace_otel.semconv import attributes as a
from clawtrace_otel.settings import FIELDS, default, describe, load_settings
from clawtrace_otel.tracecard import model
from clawtrace_otel.tracecard.read import check_card
from tests import dialects_page

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])

BEGIN, END = "<!-- settings -->", "<!-- /settings -->"

CARD_TYPES: dict[str, Any] = {
    "The card": model.Card,
    "`root`": model.Root,
    "`total`": model.Total,
    "`split`": model.Split,
    "`total.tokens`": model.Tokens,
    "`unpriced`": model.Unpriced,
    "`outcome`": model.Outcome,
    "`steps`": model.StepLine,
    "`steps[].repeat`": model.Repeated,
    "`redundant`": model.Redundant,
    "`loops`": model.Loop,
    "`folded`": model.Folded,
}
"""Heading in docs/tracecard.md -> the type that its table describes."""


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(path: Path, language: str) -> list[str]:
    """The fenced code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text_of(path), re.DOTALL | re.MULTILINE)


def rows(text: str) -> list[list[str]]:
    """The cells of all table rows, without heads."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def section(path: Path, heading: str) -> str:
    """The text below a heading, up to the next one."""
    parts = re.split(r"^#+ (.+)$", text_of(path), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))[heading]


def named(cell: str) -> str:
    """What a cell such as `` `name` `` names."""
    return cell.strip("`")


def settings_table() -> str:
    """The settings as a table in Markdown."""
    lines = ["| setting | type | default | meaning |", "|---|---|---|---|"]
    for name, annotated in FIELDS.items():
        base = get_args(annotated)[0]
        kind = {int: "whole number", float: "number", str: "text"}.get(base, "list")
        kind = "word" if get_origin(base) is Literal else kind
        value = default(name)
        shown = "" if value in ("", ()) else f"`{value}`"
        lines.append(f"| `{name}` | {kind} | {shown} | {describe(name)} |")
    return "\n".join(lines)


def with_settings_table(text: str) -> str:
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    return f"{head}{BEGIN}\n{settings_table()}\n{END}{tail}"


def command_lines() -> Iterator[tuple[str, str]]:
    """Each call of ``clawtrace`` in a code block or in code within a line, and its document."""
    for path in DOCUMENTS:
        text = text_of(path)
        code = re.findall(r"^```\w*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
        code += re.findall(r"(?<!`)`(\S[^`\n]*)`(?!`)", text)
        code += re.findall(r"^ {4}(\S.*)$", text, re.MULTILINE)
        for line in "\n".join(code).replace("\\\n", " ").splitlines():
            if found := re.search(r"(?:^|[ /])clawtrace +([a-z-][^#|&;]*)", line):
                yield path.name, found[1]


def parse(words: list[str]) -> None:
    """Parse a command line as the program would, without running it.

    Raises:
        click.UsageError: a command or an option does not exist, or an option lacks its value.
    """
    command: click.Command = main
    while True:
        context = click.Context(command, help_option_names=["-h", "--help"])
        _, left, _ = command.make_parser(context).parse_args(list(words))
        if not left:
            return
        if not isinstance(command, click.Group):
            msg = f"too many arguments: {left}"
            raise click.UsageError(msg)
        found = command.get_command(context, left[0])
        if found is None:
            msg = f"no command {left[0]!r}"
            raise click.UsageError(msg)
        command, words = found, left[1:]


def is_call(line: str) -> bool:
    """Whether it is a call, and not a service or program named ``clawtrace`` in a diagram."""
    return line.startswith("-") or line.split()[0] in main.list_commands(click.Context(main))


def test_the_settings_table_is_that_of_the_code() -> None:
    text = text_of(README)
    assert text == with_settings_table(text), "run python -m tests.test_docs"


def test_every_command_line_can_be_parsed() -> None:
    lines = [(where, line) for where, line in command_lines() if is_call(line)]
    assert len(lines) > 15
    for where, line in lines:
        try:
            parse(shlex.split(line))
        except click.UsageError as e:
            pytest.fail(f"{where}: clawtrace {line}: {e.format_message()}")


@pytest.mark.parametrize("line", ["frob", "cards ls --frob x", "cards schema x", "compile -o"])
def test_a_command_line_that_does_not_exist_is_found(line: str) -> None:
    with pytest.raises(click.UsageError):
        parse(line.split())


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)", text_of(path)):
        found = path.parent / target if target else path
        assert found.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", text_of(found), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
            assert anchor in anchors, f"{target}#{anchor}"


def test_every_type_of_the_card_has_its_table() -> None:
    def types(kind: Any) -> Iterator[Any]:
        if hasattr(kind, "__required_keys__"):
            yield kind
            for hint in get_type_hints(kind).values():
                yield from types(hint)
        elif get_origin(kind) is not None:
            for inner in get_args(kind):
                yield from types(inner)

    assert {kind.__name__ for kind in types(model.Card)} == {
        kind.__name__ for kind in CARD_TYPES.values()
    }


@pytest.mark.parametrize("heading", CARD_TYPES)
def test_every_key_of_the_card_is_described(heading: str) -> None:
    kind = CARD_TYPES[heading]
    found = rows(section(ROOT / "docs/tracecard.md", heading))
    assert [named(row[0]) for row in found] == list(kind.__annotations__)
    always = {named(row[0]) for row in found if row[-1] == "never"}
    assert always == set(kind.__required_keys__)


def test_the_page_of_dialects_is_what_the_tables_say() -> None:
    assert text_of(dialects_page.PAGE) == dialects_page.page(), "run: make docs"


def test_every_attribute_of_clawtrace_is_described() -> None:
    found = rows(text_of(ROOT / "docs/attributes.md"))
    names = [named(row[0]) for row in found if row[0].startswith("`clawtrace.")]
    assert sorted(names) == sorted([*a.WRITTEN, *a.OWN_READ])


@pytest.mark.parametrize(
    ("attribute", "values"),
    [
        (a.CLAWTRACE_COST_UNPRICED_REASON, {*get_args(Reason), SAME_CALL}),
        (a.CLAWTRACE_REPEAT_KIND, set(get_args(RepeatKind))),
        (a.CLAWTRACE_REPEAT_VERDICT, set(get_args(Verdict))),
    ],
)
def test_closed_sets_of_values_are_complete(attribute: str, values: set[str]) -> None:
    (row,) = [r for r in rows(text_of(ROOT / "docs/attributes.md")) if named(r[0]) == attribute]
    assert set(re.findall(r"`(\w+)`", row[2])) == values


def test_two_lines_of_code_run(tmp_path: Path) -> None:
    code = next(block for block in blocks(README, "python") if "configure()" in block)
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, timeout=60, check=True)
    assert (tmp_path / "tracecards").is_dir()


def test_the_card_in_the_readme_is_valid() -> None:
    (card,) = [block for block in blocks(README, "yaml") if block.startswith("tracecard: 1")]
    check_card(yaml.safe_load(card), "README.md")


def test_the_price_files_in_the_documents_are_valid(tmp_path: Path) -> None:
    found = [b for b in blocks(ROOT / "docs/prices.md", "yaml") if b.startswith("prices: 1")]
    assert found
    for text in found:
        path = tmp_path / "prices.yaml"
        path.write_text(text, encoding="utf-8")
        UserPrices(path)


def test_the_settings_file_in_the_readme_is_valid(tmp_path: Path) -> None:
    (text,) = [block for block in blocks(README, "yaml") if block.startswith("cards: ")]
    path = tmp_path / "clawtrace.yaml"
    path.write_text(text, encoding="utf-8")
    load_settings(file=path, environment={})
    path.write_text(text + "nonsense: 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="nonsense"):
        load_settings(file=path, environment={})


if __name__ == "__main__":
    README.write_text(with_settings_table(text_of(README)), encoding="utf-8")
