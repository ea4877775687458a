"""Writes `docs/dialects.md` from the tables that spans are read by: `make docs`."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from clawtrace_otel.semconv.dialects import BY_FIELD, BY_KIND
from clawtrace_otel.semconv.dialects.dialect import Dialect, Fields, Kind
from clawtrace_otel.semconv.log_records import SOURCES
from clawtrace_otel.semconv.usage_details import SHAPES

DIALECTS = [*BY_FIELD, *(dialect for dialect in BY_KIND if dialect not in BY_FIELD)]

PAGE = Path(__file__).parent.parent / "docs" / "dialects.md"

_HEAD = """\
# Dialects

What is read from where. This page is written by `make docs` from the
[tables](../clawtrace_otel/semconv/dialects) that the program itself reads spans by.

A span is read in two steps. Its *kind* is what the first of these says that knows it: {by_kind}.
Its *fields* are then looked up, each under the keys of all dialects, the first that is present
counts: {by_field}. So a span that carries two dialects at once is one span, and one that no dialect
names only holds the tree together.

Kinds: `llm` is a model call, `tool` a tool call, `agent` an agent; these are the steps of a card.
`workflow` and `span` are no steps; `account` tells what the model calls beside it used.

Fields of tokens: `input_tokens` includes what was read from and written to a cache, `fresh_tokens`
does not; if the cached tokens are more than the input, they are taken to be beside it, whatever the
dialect says. `output_tokens` includes reasoning, `visible_output_tokens` does not. A key that ends
in a dot stands for a flattened list, `<key>0.…`. Values may be numbers or text, objects may be
JSON.
"""


def page() -> str:
    """The whole page."""
    head = _HEAD.format(by_kind=_names(BY_KIND), by_field=_names(BY_FIELD))
    parts = [head, *(_dialect(dialect) for dialect in DIALECTS), _records(), _shapes()]
    return "\n".join(parts)


def _names(dialects: Iterable[Dialect]) -> str:
    return "; ".join(dialect.name for dialect in dialects)


def _dialect(dialect: Dialect) -> str:
    parts = [*_about(dialect), *_what_a_span_is(dialect), *_fields(dialect)]
    return "\n".join([f"## {dialect.name}\n", *parts])


def _about(dialect: Dialect) -> Iterator[str]:
    if dialect.source:
        yield f"{dialect.source}\n"
    if dialect.scopes:
        yield f"Instrumentation scopes: {_keys(dialect.scopes)}\n"


def _what_a_span_is(dialect: Dialect) -> Iterator[str]:
    rows = [
        *((f"`{dialect.kind_key}` = {values}", kind) for kind, values in _by_kind(dialect.kinds)),
        *((f"span name {values}", kind) for kind, values in _by_kind(dialect.names)),
        *((f"has {values}", kind) for kind, values in _by_kind(dialect.marks)),
        *((f"`{kind}` without a name", other) for kind, other in dialect.unnamed.items()),
        *((f"`{key}` = {_keys(sorted(v))}", "failed") for key, v in dialect.failures.items()),
    ]
    if rows:
        yield _table(("a span with", "is"), [(what, f"`{kind}`") for what, kind in rows])


def _by_kind(table: Mapping[str, Kind]) -> Iterator[tuple[Kind, str]]:
    for kind in dict.fromkeys(table.values()):
        yield kind, _keys(value for value, of in table.items() if of == kind)


def _fields(dialect: Dialect) -> Iterator[str]:
    tables: list[tuple[str, Fields]] = [
        ("llm", dialect.llm),
        ("tool", dialect.tool),
        ("agent", dialect.agent),
        ("any", dialect.any),
        *((f"event `{event}`", fields) for event, fields in dialect.events.items()),
    ]
    rows = [(of, f"`{name}`", _keys(keys)) for of, table in tables for name, keys in table.items()]
    if rows:
        yield _table(("of", "field", "from"), rows)


def _records() -> str:
    rows = [(f"`{event}`", f"`{source.session}`") for event, source in SOURCES.items()]
    return (
        "## Log records\n\nCoding agents tell of calls in log records, too; such a record is one "
        "more witness of the call,\nor the only one. Its attributes are read as a span's.\n\n"
        + _table(("event", "session"), rows)
    )


def _shapes() -> str:
    rows = [
        (_keys(shape.known_by), f"`{name}`", _keys(paths))
        for shape in SHAPES
        for name, paths in shape.fields.items()
    ]
    return (
        "## Objects of token counts\n\nWhat `usage_details` may hold: objects as providers answer "
        "them, and as SDKs copy them.\n\n" + _table(("known by", "field", "from"), rows)
    )


def _keys(keys: Iterable[str]) -> str:
    return ", ".join(f"`{key}`" for key in keys)


def _table(headers: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [headers, ("---",) * len(headers), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
