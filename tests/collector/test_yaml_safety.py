"""No text in the data tricks a reader of cards, and no card tricks ours.

The cards are read by PyYAML, which follows YAML 1.1, and by ruamel.yaml, which follows 1.2.
"""

import io
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from ruamel.yaml import YAML

from clawtrace_otel.errors import CardError, ConfigError
from clawtrace_otel.exporters.span_exporter import TraceCardSpanExporter
from clawtrace_otel.tracecard.lines import clean
from clawtrace_otel.tracecard.model import Card
from clawtrace_otel.tracecard.read import read_card
from clawtrace_otel.tracecard.write import dump_card
from clawtrace_otel.yaml_io import load_yaml

HOSTILE = [
    "!!python/object/apply:os.system [id]",
    "!!python/object:builtins.object {}",
    "!<tag:yaml.org,2002:int> 1",
    "&a x",
    "*a",
    "<<",
    "<<: *a",
    "=",
    "~",
    "null",
    "Yes",
    "no",
    "ON",
    "y",
    "N",
    "true",
    ".inf",
    "nan",
    "2026-01-01",
    "2026-01-01T00:00:00Z",
    "1_000",
    "0o17",
    "017",
    "0x1F",
    "1e3",
    "1:30:00",
    "+.5",
    "---",
    "...",
    "--- x\n...\n",
    "%YAML 1.1",
    "? key",
    "- item",
    "key: value",
    "a: {b: [",
    "}]",
    "# comment",
    "text # comment",
    "| block",
    "> folded",
    "'",
    '"',
    "it's",
    '\\"',
    '"\\x41"',
    "\\",
    "a\nb: c\n",
    "a\r\nb",
    "\ttab",
    " space ",
    "",
    "\0",
    "\x07\x1b[31m",
    "\x7f\x85\xa0",
    "\ufeff",
    "x\ufeff",
    "\u2028\u2029",
    "\u202e",
    "\ufffe\uffff",
    "\U0001f600",
    "@at",
    "`tick",
    "0123456789abcdef",
    "1234567890123456",
    "12345678e1234567",
]
texts = st.sampled_from(HOSTILE) | st.text(st.characters(codec="utf-8"), max_size=30)

GOLDEN = Path(__file__).parent.parent / "tracecard" / "golden"


@cache
def golden_card(name: str) -> object:
    """The first card of a capture."""
    text = (GOLDEN / f"{name}.yaml").read_text(encoding="utf-8")
    return next(yaml.safe_load_all(text))


def readings(text: str) -> list[object]:
    """A text as both readers understand it."""
    return [yaml.safe_load(text), YAML(typ="safe", pure=True).load(io.StringIO(text))]


def check_events(text: str) -> None:
    """No tag, no anchor, no alias, and one document."""
    events = list(yaml.parse(text, yaml.SafeLoader))
    for event in events:
        assert not isinstance(event, yaml.AliasEvent)
        assert getattr(event, "anchor", None) is None
        assert getattr(event, "tag", None) is None
    assert sum(isinstance(event, yaml.DocumentStartEvent) for event in events) == 1
    quoted = {e.value for e in events if isinstance(e, yaml.ScalarEvent) and e.style}
    plain = {e.value for e in events if isinstance(e, yaml.ScalarEvent) and not e.style}
    assert not {text for text in plain if text in HOSTILE} - {"null", "true"}
    assert all(isinstance(text, str) for text in quoted)


def replaced(value: object, draw: Callable[[], str]) -> object:
    """A card with other texts wherever it has one."""
    if isinstance(value, dict):
        return {key: replaced(item, draw) for key, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, draw) for item in value]
    return draw() if isinstance(value, str) else value


@pytest.mark.parametrize("name", ["openai_all_three", "vercel_ai_6", "claude_code"])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_every_text_of_a_card_comes_back_equal(name: str, data: st.DataObject) -> None:
    golden = golden_card(name)
    pool = data.draw(st.lists(texts, min_size=1, max_size=12))
    taken = iter(range(1_000_000))
    card = replaced(golden, lambda: pool[next(taken) % len(pool)])
    text = dump_card(cast("Card", card))
    assert readings(text) == [card, card]
    check_events(text)


@given(texts, texts)
def test_keys_that_a_card_brought_come_back_equal(key: str, value: str) -> None:
    card: dict[str, Any] = {"tracecard": 1, "total": {"x" + key: value}, key: {key: value}}
    text = dump_card(cast("Card", card))
    assert readings(text) == [card, card]
    check_events(text)


def test_each_hostile_text_is_quoted() -> None:
    for value in HOSTILE:
        text = dump_card(cast("Card", {"session": value}))
        scalars = [e for e in yaml.parse(text, yaml.SafeLoader) if isinstance(e, yaml.ScalarEvent)]
        assert scalars[1].style in {"'", '"'}, text


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=texts.filter(bool), service=texts.filter(bool), session=texts.filter(bool))
def test_what_an_agent_calls_itself_stands_on_its_card(
    tmp_path: Path, name: str, service: str, session: str
) -> None:
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    provider = TracerProvider(resource=Resource({"service.name": service}))
    exporter = TraceCardSpanExporter(cards=str(folder))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("tests")
    with tracer.start_as_current_span(name) as root:
        root.set_attribute("gen_ai.operation.name", "invoke_agent")
        root.set_attribute("gen_ai.agent.name", name)
        root.set_attribute("gen_ai.conversation.id", session)
        with tracer.start_as_current_span(name) as call:
            call.set_attribute("gen_ai.operation.name", "chat")
            call.set_attribute("gen_ai.request.model", name)
        with tracer.start_as_current_span(name) as call:
            call.set_attribute("gen_ai.operation.name", "execute_tool")
            call.set_attribute("gen_ai.tool.name", name)
            call.set_attribute("gen_ai.tool.call.arguments", session)
    provider.shutdown()
    (path,) = folder.glob("*.yaml")
    text = path.read_text(encoding="utf-8")
    check_events(text)
    for card in readings(text):
        assert isinstance(card, dict)
        assert card["root"]["name"] == clean(name)
        assert card["root"]["service"] == clean(service)
        assert clean(name) in [line.get("tool") for line in card["steps"]]
    read_card(path)


def test_a_text_that_no_encoding_holds_does_not_cost_the_card(tmp_path: Path) -> None:
    provider = TracerProvider()
    exporter = TraceCardSpanExporter(cards=str(tmp_path))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("tests").start_as_current_span("a\ud800b") as span:
        span.set_attribute("gen_ai.operation.name", "chat")
        span.set_attribute("gen_ai.conversation.id", "\udfff")
    provider.shutdown()
    (path,) = tmp_path.glob("*.yaml")
    assert read_card(path)["root"]["name"] == "a?b"


VALID = dump_card(cast("Card", golden_card("openai_official")))

TRICKS = {
    "an object": VALID + "x: !!python/object/apply:os.system [exit 1]\n",
    "a name": VALID + "x: !!python/name:os.system\n",
    "a tag of its own": VALID + "x: !own 1\n",
    "billions of laughs": VALID
    + "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    + "".join(
        f"{n}: &{n} [{', '.join(['*' + o] * 10)}]\n"
        for o, n in zip("abcdefgh", "bcdefghi", strict=True)
    ),
    "an alias of itself": VALID + "x: &x [*x]\n",
    "ten thousand brackets": VALID + "x: " + "[" * 10_000 + "]" * 10_000,
    "a hundred thousand brackets": VALID + "x: " + "[" * 100_000,
    "two documents": VALID + "---\nx: 1\n",
    "a number of 100,000 digits": VALID + "x: " + "9" * 100_000,
    "over a mebibyte": VALID + "#" * (1 << 20),
    "a list": "- 1\n",
    "nothing": "",
}


@pytest.mark.parametrize("name", TRICKS)
def test_a_file_that_is_made_to_harm_is_refused_at_once(tmp_path: Path, name: str) -> None:
    path = tmp_path / "card.yaml"
    path.write_text(TRICKS[name], encoding="utf-8")
    started = time.process_time()
    with pytest.raises(CardError, match=r"card\.yaml"):
        read_card(path)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "name", ["an object", "billions of laughs", "a hundred thousand brackets", "over a mebibyte"]
)
def test_a_settings_file_is_read_as_carefully(tmp_path: Path, name: str) -> None:
    path = tmp_path / "clawtrace.yaml"
    path.write_text(TRICKS[name] * (17 if "over" in name else 1), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"clawtrace\.yaml"):
        load_yaml(path, dict[str, Any], ConfigError)
