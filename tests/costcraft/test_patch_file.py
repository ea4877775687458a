"""``patches.yaml``: what is written is what is read, and what is wrong is told."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from ruamel.yaml import YAML

from clawtrace_otel.costcraft.model import PatchFile, Source
from clawtrace_otel.costcraft.patch_file import dump_patches, read_patches, write_patches
from clawtrace_otel.costcraft.schema import schema_text, shipped_schema
from clawtrace_otel.errors import CostCraftError
from tests.costcraft.patch_files import example, patch_files

VALIDATOR = jsonschema.Draft202012Validator(json.loads(shipped_schema()))

in_tmp_path = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def edited(tmp_path: Path, was: str, now: str) -> Path:
    text = dump_patches(example())
    assert was in text
    path = tmp_path / "patches.yaml"
    path.write_text(text.replace(was, now, 1), encoding="utf-8")
    return path


@in_tmp_path
@given(patch_files)
def test_any_patches_come_back_equal_and_are_valid(tmp_path: Path, file: PatchFile) -> None:
    path = tmp_path / "patches.yaml"
    write_patches(path, file)
    assert read_patches(path) == file
    text = path.read_text(encoding="utf-8")
    assert text == dump_patches(read_patches(path))
    VALIDATOR.validate(yaml.safe_load(text))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(patch_files)
def test_readers_of_yaml_1_1_and_1_2_see_the_same(file: PatchFile) -> None:
    text = dump_patches(file)
    assert YAML(typ="safe", pure=True).load(text) == yaml.safe_load(text)


def test_a_step_is_a_line_and_keys_stand_in_the_order_of_the_model() -> None:
    lines = dump_patches(example()).splitlines()
    assert lines[0] == "costcraft: 1"
    step = (
        '  - {trace_id: "0af7651916cd43dd8448eb211c80319c", n: 7, saves_usd: [0.0007, 0.007],'
        " check: equal, passed: true}"
    )
    assert lines.count(step) == 1
    first = lines.index("patches:") + 1
    keys = [line[2:].split(":")[0] for line in lines[first : first + 10]]
    assert keys == [
        "id",
        "action",
        "rule",
        "section",
        "analyst",
        "pattern",
        "rung",
        "support",
        "saves_usd_per_run",
        "counterfactual",
    ]


def test_an_unknown_saving_is_written_as_unknown() -> None:
    patch = yaml.safe_load(dump_patches(example()))["patches"][1]
    assert patch["saves_usd_per_run"] is None
    assert patch["steps"][0]["saves_usd"] is None


def test_half_a_surrogate_pair_does_not_keep_the_rest_from_being_written(tmp_path: Path) -> None:
    path = tmp_path / "patches.yaml"
    write_patches(path, PatchFile(source=Source(runs=0, tasks=0), problems=["a\ud800b"]))
    assert read_patches(path).problems == ["a\ufffdb"]


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        ("costcraft: 1", "costcraft: 2", "costcraft is 2; this version of clawtrace reads 1"),
        ("costcraft: 1", "costcraft: true", "costcraft is True; this version"),
        ("costcraft: 1\n", "", "has no 'costcraft', the version of its format"),
        (
            "rung: replayed",
            "rung: proven",
            r"Invalid enum value 'proven' - at `\$.patches\[0\].rung`",
        ),
        ("n: 8", "n: 0", r"Expected `int` >= 1 - at `\$.patches\[0\].steps\[1\].n`"),
        ("0af7651916cd43dd", "zz", r"matching regex .* - at `\$.patches\[0\].steps\[0\].trace_id`"),
        ("[0.0014, 0.0061]", "[0.0014]", r"length 2, got 1 - at `\$.net.saves_usd`"),
        ("runs: 40", "runs: many", r"Expected `int`, got `str` - at `\$.source.runs`"),
        ("source:", "sauce:", "missing required field `source`"),
        ("source:", "- source:", r"patches\.yaml: "),
    ],
)
def test_what_does_not_fit_is_told_with_file_and_key(
    tmp_path: Path, was: str, now: str, told: str
) -> None:
    with pytest.raises(CostCraftError, match=told) as raised:
        read_patches(edited(tmp_path, was, now))
    assert "patches.yaml" in str(raised.value)


@pytest.mark.parametrize("text", ["", "[]", "a text", "[" * 100_000])
def test_what_is_no_file_of_patches_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "patches.yaml"
    path.write_text(text)
    with pytest.raises(CostCraftError, match=r"patches\.yaml"):
        read_patches(path)


def test_a_file_that_is_not_there_and_a_folder_that_is_none_are_told(tmp_path: Path) -> None:
    with pytest.raises(CostCraftError, match=r"cannot read .*none\.yaml"):
        read_patches(tmp_path / "none.yaml")
    with pytest.raises(CostCraftError, match=r"cannot write .*patches\.yaml"):
        write_patches(tmp_path / "none" / "patches.yaml", example())


def test_keys_of_a_later_version_do_not_keep_a_file_from_being_read(tmp_path: Path) -> None:
    assert read_patches(edited(tmp_path, "source:", "later: {a: 1}\nsource:")) == example()


def test_the_schema_that_ships_follows_from_the_types() -> None:
    assert shipped_schema() == schema_text()


def test_the_schema_refuses_a_file_without_a_version() -> None:
    value = yaml.safe_load(dump_patches(example()))
    VALIDATOR.validate(value)
    del value["costcraft"]
    assert [error.message for error in VALIDATOR.iter_errors(value)] == [
        "'costcraft' is a required property"
    ]
