import ast
import re
from pathlib import Path

from opentelemetry.semconv._incubating.attributes import gen_ai_attributes, openai_attributes

import clawtrace_otel
from clawtrace_otel.semconv import attributes

PACKAGE = Path(clawtrace_otel.__file__).parent
KEYS = {
    name: value
    for name, value in vars(attributes).items()
    if name.isupper() and isinstance(value, str)
}
SOURCES = [
    path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path != Path(str(attributes.__file__))
    and "demo" not in path.relative_to(PACKAGE).parts
    and not path.stem.endswith("_pb2")
]


def test_keys_are_those_of_opentelemetrys_package_where_it_has_them() -> None:
    official = {**vars(gen_ai_attributes), **vars(openai_attributes)}
    shared = {name: value for name, value in KEYS.items() if name in official}
    assert len(shared) > 30
    assert shared == {name: official[name] for name in shared}


def test_every_key_has_one_name() -> None:
    assert len(set(KEYS.values())) == len(KEYS)


def test_every_key_is_used_in_the_package() -> None:
    used = {
        node.attr
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Attribute)
    }
    assert KEYS.keys() - used == set()


def test_no_key_is_spelled_out_elsewhere() -> None:
    key = re.compile(r"(?:gen_ai|llm|clawtrace|openinference|traceloop)\.[a-z_.]+")
    spelled = [
        f"{path.relative_to(PACKAGE)}:{node.lineno} {node.value}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and key.fullmatch(node.value)
        and node.value != "clawtrace.db"  # a file
    ]
    assert spelled == []
