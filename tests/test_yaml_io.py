"""YAML that is made to take long, or to end the process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clawtrace_otel.errors import ConfigError
from clawtrace_otel.yaml_io import load_yaml

Load = Callable[[str], Any]


@pytest.fixture(name="load")
def _load(tmp_path: Path) -> Load:
    def load(text: str) -> Any:
        path = tmp_path / "file.yaml"
        path.write_text(text, encoding="utf-8")
        return load_yaml(path, dict[str, Any], ConfigError)

    return load


def test_an_alias_stands_for_what_it_names(load: Load) -> None:
    text = "a: &a {b: [1, 2.5]}\nc: [*a, *a]\nd: {<<: *a, e: 1}"
    same = {"b": [1, 2.5]}
    assert load(text) == {"a": same, "c": [same, same], "d": {**same, "e": 1}}


@pytest.mark.parametrize("unit", ["[", "{a: ", "- ", "? "])
def test_any_depth_is_an_error_and_does_not_end_the_process(load: Load, unit: str) -> None:
    with pytest.raises(ConfigError, match="recursion"):
        load(unit * 100_000)


@pytest.mark.parametrize("use", ["[{}]", "{{<<: [{}]}}"])
def test_aliases_of_aliases_are_an_error_and_take_no_time(load: Load, use: str) -> None:
    lines = ["a0: &a0 {b: 1}"]
    for n in range(1, 12):
        again = ", ".join([f"*a{n - 1}"] * 9)
        lines.append(f"a{n}: &a{n} {use.format(again)}")
    with pytest.raises(ConfigError, match="with aliases written out"):
        load("\n".join(lines))


def test_what_holds_itself_is_an_error(load: Load) -> None:
    with pytest.raises(ConfigError, match="with aliases written out"):
        load("a: &a [*a]")


@pytest.mark.parametrize("number", ["1" + ":1" * 1000, "1" + ":1" * 1000 + ".0", "0x" + "f" * 5000])
def test_a_number_that_nobody_means_is_an_error(load: Load, number: str) -> None:
    with pytest.raises(ConfigError, match=r"a number of [0-9,]+ characters"):
        load(f"a: {number}")
