"""From runs to an evolved skill, as a library and as a program."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clawtrace_otel.cli import main
from clawtrace_otel.costcraft.bench.ablations import ablated_skills
from clawtrace_otel.costcraft.distill import Task, distill
from clawtrace_otel.costcraft.distill_files import changes_of
from clawtrace_otel.costcraft.gates.context import Options
from clawtrace_otel.costcraft.patch_file import dump_patches, read_patches
from clawtrace_otel.costcraft.replay.record import Deletion, Replays, save_replays
from clawtrace_otel.costcraft.tokens import count_tokens
from clawtrace_otel.errors import CostCraftError
from clawtrace_otel.importers.formats.span_maker import Tokens
from clawtrace_otel.tracecard.write import dump_card
from tests.costcraft.runs import RunBuilder, made, number

PAGE = "word " * 400

Program = Callable[..., Result]


def wasteful(name: str, *, passed: bool | None = True, reads: int = 4) -> RunBuilder:
    """Reads a long file several times before it answers."""
    builder = RunBuilder(name, task=name, passed=passed)
    sizes = iter(Tokens(fresh=1000 + 410 * n, output=10) for n in range(reads + 1))
    for _ in range(reads):
        builder.turn("read_file", {"path": "x"}, PAGE, tokens=next(sizes))
    builder.llm("That is all, word for word.", tokens=next(sizes))
    return builder


@pytest.fixture(name="run")
def _run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path, exit_code: int = 0) -> Result:
        result = CliRunner().invoke(main, ["costcraft", "distill", *map(str, arguments)])
        assert result.exit_code == exit_code, result.output
        return result

    return run


@pytest.fixture(name="cards")
def _cards(tmp_path: Path) -> Path:
    return write_cards(tmp_path / "cards", [wasteful("one"), wasteful("two")])


def write_cards(folder: Path, builders: list[RunBuilder]) -> Path:
    folder.mkdir()
    for n, builder in enumerate(builders):
        (folder / f"{n}.yaml").write_text(dump_card(builder.card().card))
    return folder


def test_every_rule_can_be_followed_to_patches_runs_steps_and_dollars() -> None:
    runs = made([wasteful("one"), wasteful("two")])
    file = distill(runs).file
    (rule,) = file.rules
    patches = {patch.id: patch for patch in file.patches}
    for ref in patches[rule.patches[0]].steps:
        run = next(run for run in runs if run.trace_id == ref.trace_id)
        step = run.by_number[ref.n]
        assert ref.saves_usd == tuple(step["waste_usd"])
        assert step["repeat"]["verdict"] == "same"
    saved = patches[rule.patches[0]].saves_usd_per_run
    assert saved == pytest.approx(
        [sum(run.card["total"]["waste_usd"][end] for run in runs) / 2 for end in (0, 1)]
    )


def test_cards_alone_give_the_same_rules_as_the_runs_where_cards_tell_enough() -> None:
    builders = [wasteful("one"), wasteful("two")]
    by_runs = distill(made(builders))
    by_cards = distill(sorted((b.card() for b in builders), key=lambda run: run.trace_id))
    assert by_cards.text == by_runs.text


def test_runs_without_waste_leave_the_skill_as_it_was() -> None:
    task = Task()
    done = distill(made([wasteful("one", reads=1), wasteful("two", reads=1)]), task)
    assert (done.text, done.file.rules) == (task.base.text, [])


@pytest.mark.parametrize(
    ("options", "rules"), [(Options(), 1), (Options(no_prune=True), 0), (Options(no_cost=True), 1)]
)
def test_ablations_switch_off_what_they_name(options: Options, rules: int) -> None:
    file = distill(made([wasteful("one"), wasteful("two")]), Task(options=options)).file
    assert (len(file.rules), file.options) == (rules, options.names())


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.booleans() | st.none(), st.integers(1, 5)), min_size=1, max_size=6))
def test_an_evolved_skill_is_never_too_long_and_every_rule_names_accepted_patches(
    told: list[tuple[bool | None, int]],
) -> None:
    builders = [wasteful(f"run {n}", passed=p, reads=r) for n, (p, r) in enumerate(told)]
    done = distill(made(builders))
    assert count_tokens(done.text) <= 1200
    accepted = {patch.id for patch in done.file.patches if not patch.rejected}
    named = [patch_id for rule in done.file.rules for patch_id in rule.patches]
    assert sorted(named) == sorted(accepted)
    assert dump_patches(distill(made(builders)).file) == dump_patches(done.file)


def test_the_program_writes_skill_patches_and_reports(run: Program, cards: Path) -> None:
    result = run(cards, "-o", "out")
    assert "1 rule from 1 patch in" in result.output
    out = cards.parent / "out"
    names = ["SKILL.md", "patches.yaml", "report.html", "report.md"]
    assert sorted(path.name for path in out.iterdir()) == names
    file = read_patches(out / "patches.yaml")
    assert f"- {file.rules[0].text}" in (out / "SKILL.md").read_text()
    assert file.rules[0].text in (out / "report.md").read_text()


def test_the_program_prints_json_on_request(run: Program, cards: Path) -> None:
    told = json.loads(run(cards, "-o", "out", "--json").output)
    assert told["source"]["runs"] == 2
    assert told["rules"][0]["patches"] == [told["patches"][0]["id"]]


def test_a_second_distillation_over_the_evolved_skill_adds_nothing(
    run: Program, cards: Path
) -> None:
    run(cards, "-o", "out")
    result = run(cards, "-o", "again", "--skill", "out/SKILL.md")
    assert "0 rules from 0 patches" in result.output
    before, after = (cards.parent / folder / "SKILL.md" for folder in ("out", "again"))
    assert before.read_bytes() == after.read_bytes()


def test_cards_without_outcomes_give_prunes_only_and_it_is_said(
    run: Program, tmp_path: Path
) -> None:
    unjudged = [wasteful("one", passed=None), wasteful("two", passed=None)]
    result = run(write_cards(tmp_path / "cards", unjudged), "-o", "out")
    assert "no run has an outcome: nothing can be preserved" in result.output
    assert {p.action for p in read_patches(tmp_path / "out/patches.yaml").patches} == {"prune"}


def test_a_base_skill_over_the_limit_is_kept_and_told_with_status_3(
    run: Program, cards: Path, tmp_path: Path
) -> None:
    base = tmp_path / "SKILL.md"
    base.write_text("---\nname: long\ndescription: d\n---\n\n" + "word " * 1000)
    result = run(cards, "-o", "out", "--skill", base, exit_code=3)
    assert "the base skill has up to 1,679 tokens, over the limit of 1,200" in result.output
    assert (tmp_path / "out/SKILL.md").read_bytes() == base.read_bytes()
    (patch,) = read_patches(tmp_path / "out/patches.yaml").patches
    assert patch.rejected.startswith("no room")
    more = run(cards, "-o", "out", "--skill", base, "--max-skill-tokens", "2000")
    assert "1 rule " in more.output


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        ([], 2, "give cards, or what was recorded"),
        (["nowhere"], 2, "does not exist"),
        (["empty"], 1, "no run was found in empty"),
        (["cards", "--skill", "cards/0.yaml"], 1, "cards/0.yaml has no front matter"),
        (["cards", "--replayed", "cards/0.yaml"], 1, "cards/0.yaml"),
        (["cards", "--task-data", "broken.json"], 1, "broken.json"),
    ],
)
def test_bad_input_is_told_in_a_line(
    run: Program, cards: Path, arguments: list[str], exit_code: int, said: str
) -> None:
    (cards.parent / "empty").mkdir()
    (cards.parent / "broken.json").write_text("[")
    result = run(*arguments, exit_code=exit_code)
    assert said in result.output
    assert "Traceback" not in result.output


def test_what_was_replayed_lifts_a_prune_or_brings_it_down(run: Program, cards: Path) -> None:
    one, two = made([wasteful("one"), wasteful("two")])
    steps = [(r.trace_id, number(r, "read_file", nth)) for r in (one, two) for nth in (2, 3, 4)]
    same = [
        Deletion(trace_id=t, steps=(n,), tools=("read_file",), unchanged=True) for t, n in steps
    ]
    save_replays(Replays(deletions=same), Path("replay.yaml"))
    run(cards, "-o", "out", "--replayed", "replay.yaml")
    assert read_patches(Path("out/patches.yaml")).patches[0].rung == "replayed"
    other = [
        Deletion(trace_id=t, steps=(n,), tools=("read_file",), unchanged=False, where="step 9")
        for t, n in steps
    ]
    save_replays(Replays(deletions=other), Path("replay.yaml"))
    run(cards, "-o", "out", "--replayed", "replay.yaml")
    (patch,) = read_patches(Path("out/patches.yaml")).patches
    assert patch.rejected == "6 of 6 steps that it would have pruned were needed, or may have been"
    assert (patch.steps, len(patch.counter_evidence)) == ([], 6)


def test_a_run_that_changed_only_without_several_steps_speaks_against_each_of_them() -> None:
    trace = "0" * 32
    alone = [Deletion(trace_id=trace, steps=(n,), tools=("a",), unchanged=True) for n in (1, 2, 3)]
    both = Deletion(trace, (1, 2), ("a", "a"), unchanged=False, where="step 9 `pay` differs")
    assert changes_of(Replays(deletions=[*alone, both])) == {
        (trace, 1): "together with 1 others: step 9 `pay` differs",
        (trace, 2): "together with 1 others: step 9 `pay` differs",
        (trace, 3): "",
    }


def test_skills_with_something_switched_off_are_conditions_of_a_bench(
    run: Program, cards: Path
) -> None:
    run(cards, "-o", "out", "--ablations")
    out = cards.parent / "out"
    assert read_patches(out / "no-prune/patches.yaml").options == ["no-prune"]
    told: list[str] = []
    assert ablated_skills(out, told.append) == [
        f"full={out / 'SKILL.md'}",
        f"no-prune={out / 'no-prune/SKILL.md'}",
    ]
    assert [text.split()[2] for text in told] == ["no-cost", "no-counterfactual"]


def test_a_folder_without_ablations_is_no_set_of_conditions(run: Program, cards: Path) -> None:
    run(cards, "-o", "out")
    with pytest.raises(CostCraftError, match="`distill --ablations` writes it"):
        ablated_skills(cards.parent / "out", print)
