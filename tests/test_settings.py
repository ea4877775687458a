"""Where settings come from, and what is said of wrong ones."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clawtrace_otel.errors import ConfigError
from clawtrace_otel.settings import FIELDS, PREFIX, Settings, default, describe, load_settings

Given = dict[str, Any]


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    return tmp_path / "my clawtrace-settings.yaml"


def loaded(
    given: Given | None = None, file: Path | None = None, env: dict[str, str] | None = None
) -> Settings:
    return load_settings(given, file, env or {})


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_says_what_it_means(name: str) -> None:
    assert len(describe(name)) > 10


def test_without_anything_the_defaults_hold() -> None:
    assert loaded() == Settings()
    assert {name: default(name) for name in FIELDS} == msgspec.structs.asdict(Settings())


def test_flags_win_over_the_environment_that_over_the_file_that_over_the_default(
    file: Path,
) -> None:
    file.write_text("settle_seconds: 1\nidle_seconds: 1\nrefresh_seconds: 1\n")
    env = {"CLAWTRACE_SETTLE_SECONDS": "2", "CLAWTRACE_IDLE_SECONDS": "2"}
    found = loaded({"settle_seconds": "3"}, file, env)
    assert (found.settle_seconds, found.idle_seconds, found.refresh_seconds) == (3.0, 2.0, 1.0)
    assert found.grpc == default("grpc")


def test_what_is_not_given_or_empty_in_the_environment_wins_over_nothing(file: Path) -> None:
    file.write_text("cards: from-file\n")
    assert loaded({"cards": None}, file, {"CLAWTRACE_CARDS": ""}).cards == "from-file"


def test_an_empty_flag_is_given(file: Path) -> None:
    file.write_text("prices: prices.yaml\nread_only_tools: [a]\n")
    found = loaded({"prices": "", "read_only_tools": ""}, file)
    assert (found.prices, found.read_only_tools) == ("", ())


def test_the_environment_of_the_process_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAWTRACE_CARDS", "elsewhere")
    assert load_settings().cards == "elsewhere"


def test_every_setting_can_come_from_each_source(file: Path) -> None:
    """As text from flags and environment, typed from the file and from keyword arguments."""
    other: Given = {
        name: value + 1
        if isinstance(value, int)
        else value / 2
        if isinstance(value, float)
        else ("a*", "b")
        if isinstance(value, tuple)
        else f"other-{name}"
        for name, value in msgspec.structs.asdict(Settings()).items()
    } | {"content": "none", "log_format": "json", "log_level": "error"}
    text = {n: ",".join(v) if isinstance(v, tuple) else str(v) for n, v in other.items()}
    file.write_bytes(msgspec.yaml.encode(other))
    expected = Settings(**other)
    assert loaded(text) == expected
    assert loaded(other) == expected
    assert loaded(file=file) == expected
    assert loaded(env={PREFIX + name.upper(): value for name, value in text.items()}) == expected


@pytest.mark.parametrize(
    ("text", "globs"),
    [
        ("read_*", ("read_*",)),
        (" read_*, get_? ,, ls ", ("read_*", "get_?", "ls")),
        (",", ()),
    ],
)
def test_a_list_is_separated_by_commas(text: str, globs: tuple[str, ...]) -> None:
    assert loaded(env={"CLAWTRACE_READ_ONLY_TOOLS": text}).read_only_tools == globs
    assert loaded({"state_changing_tools": text}).state_changing_tools == globs


@pytest.mark.parametrize("globs", [["a", "b"], ("a", "b")])
def test_a_list_may_be_a_python_sequence(globs: Any) -> None:
    assert loaded({"read_only_tools": globs}).read_only_tools == ("a", "b")


WRONG: list[tuple[str, Any, str]] = [
    ("settle_seconds", "soon", "`float`"),
    ("settle_seconds", "-1", ">= 0"),
    ("settle_seconds", "nan", ">= 0"),
    ("near_threshold", "0", "> 0"),
    ("near_threshold", "1.01", "<= 1"),
    ("max_card_bytes", "1023", ">= 1024"),
    ("max_card_bytes", "64MiB", "`int`"),
    ("max_request_bytes", "0", ">= 1"),
]


@pytest.mark.parametrize(("name", "value", "message"), WRONG)
def test_a_wrong_value_is_told_with_the_setting_wherever_it_comes_from(
    file: Path, name: str, value: str, message: str
) -> None:
    variable = PREFIX + name.upper()
    file.write_text(f"{name}: {value.replace('nan', '.nan')}\n")
    for where, sources in {
        f"{name} is {value!r}: ": {"given": {name: value}},
        f"{variable} is {value!r}: ": {"env": {variable: value}},
        f"{file}: ": {"file": file},
    }.items():
        with pytest.raises(ConfigError) as error:
            loaded(**sources)  # type: ignore[arg-type]
        assert str(error.value).startswith(where)
        assert message in str(error.value)
        assert name in str(error.value) or variable in str(error.value)


@pytest.mark.parametrize("value", [True, 5, None, ["a", 1]])
def test_a_list_in_the_file_is_a_list_of_texts(file: Path, value: object) -> None:
    file.write_bytes(msgspec.yaml.encode({"read_only_tools": value}))
    with pytest.raises(ConfigError, match=r"\$\.read_only_tools"):
        loaded(file=file)


def test_an_unknown_key_is_told_with_its_file(file: Path) -> None:
    file.write_text("cards: c\nsettle: 5\n")
    with pytest.raises(ConfigError) as error:
        loaded(file=file)
    assert f"{file}: $.settle: unknown setting 'settle'" in str(error.value)


def test_an_unknown_argument_is_told_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError) as error:
        loaded({"card": "c"})
    assert "unknown setting 'card'" in str(error.value)
    assert all(name in str(error.value) for name in FIELDS)


@pytest.mark.parametrize("text", ["- 1", "just text", "a: b: c", "{", "\x00"])
def test_a_file_that_is_no_mapping_is_told(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError, match=re.escape(file.name)):
        loaded(file=file)


def test_a_file_that_cannot_be_read_is_told(file: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"cannot read {file}")):
        loaded(file=file)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}"])
def test_an_empty_file_sets_nothing(file: Path, text: str) -> None:
    file.write_text(text)
    assert loaded(file=file) == Settings()


def test_a_word_that_is_none_of_a_setting_is_answered_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match=r"CLAWTRACE_CONTENT is 'all': .*none, hash, sample"):
        loaded(env={"CLAWTRACE_CONTENT": "all"})
