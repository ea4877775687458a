from typing import Any

import click
import pytest
from click.testing import CliRunner

from clawtrace_otel.commands.costcraft.llm_options import llm_options, read_llm_options
from clawtrace_otel.costcraft.llm.options import LlmOptions


def parsed(*args: str) -> LlmOptions:
    """What a command with these options reads."""
    read: list[LlmOptions] = []

    @click.command()
    @llm_options
    def command(**given: Any) -> None:
        read.append(read_llm_options(given, prices="p.yaml"))

    result = CliRunner().invoke(command, args, standalone_mode=False)
    if result.exception:
        raise result.exception
    return read[0]


def test_without_options_the_defaults_hold() -> None:
    assert parsed("--model", "m") == LlmOptions(model="m", prices="p.yaml")


def test_every_option_is_read() -> None:
    given = {
        "model": "m",
        "base_url": "http://127.0.0.1:1/v1",
        "provider": "self-hosted",
        "max_usd": 0.5,
        "max_tokens": 1,
        "max_output_tokens": 2,
        "max_prompt_chars": 1_000,
        "max_look_ups": 0,
        "concurrency": 9,
    }
    args = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    expected = LlmOptions(**given, prices="p.yaml")  # type: ignore[arg-type]
    assert parsed(*args) == expected


def test_a_model_must_be_named() -> None:
    with pytest.raises(click.UsageError, match="--analyst llm needs --model"):
        parsed()


@pytest.mark.parametrize("bad", ["--max-usd=0", "--concurrency=0", "--max-look-ups=-1"])
def test_limits_that_make_no_sense_are_refused(bad: str) -> None:
    with pytest.raises(click.BadParameter):
        parsed("--model", "m", bad)


def test_a_key_is_in_no_message() -> None:
    assert "sesame" not in repr(LlmOptions(model="m", api_key="sesame"))
