"""Every target: what is done with an input, and how inputs are made."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.fuzz import bodies, files, texts
from tests.fuzz.choices import Choices
from tests.fuzz.files import RECORDED

Run = Callable[[bytes], None]
Generated = Callable[[Choices], int]


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that must take any input.

    Attributes:
        run: takes bytes; they are mutated seeds.
        generated: takes choices and makes its input of them; returns the size of that in bytes.
        is_json: seeds are mutated as JSON as well.
        max_len: of an input in bytes.
    """

    name: str
    run: Run | None = None
    generated: Generated | None = None
    is_json: bool = False
    max_len: int = 16_384


_ALL = (
    Target("traces_protobuf", bodies.traces_protobuf),
    Target("traces_json", bodies.traces_json, is_json=True),
    Target("logs_protobuf", bodies.logs_protobuf),
    Target("logs_json", bodies.logs_json, is_json=True),
    Target("packed", bodies.packed, max_len=4096),
    Target("spans", generated=bodies.spans, max_len=2048),
    Target("records", generated=bodies.records, max_len=2048),
    Target("texts", generated=texts.texts, max_len=1024),
    *(Target(name, run, is_json=True) for name, run in RECORDED.items()),
    Target("settings", files.settings, max_len=2048),
    Target("prices_yaml", files.prices_yaml, max_len=4096),
    Target("prices_json", files.prices_json, is_json=True, max_len=4096),
    Target("card_file", files.card_file, max_len=8192),
)

TARGETS = {target.name: target for target in _ALL}
"""By name."""
