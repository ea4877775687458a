"""The ``clawtrace`` program."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import genai_prices
import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result
from genai_prices.types import TieredPrices

from clawtrace_otel import __version__
from clawtrace_otel.cli import COMMANDS, main
from clawtrace_otel.commands import progress
from clawtrace_otel.otlp.json_body import traces_to_protobuf
from clawtrace_otel.settings import FIELDS, Settings, describe, is_secret
from tests.collector.sinks import GrpcSink
from tests.otlp.requests import request, span

FIXTURES = sorted((Path(__file__).parent / "fixtures" / "otlp").glob("*.jsonl"))
FIXTURE = FIXTURES[0].with_name("openai_official.jsonl")

Run = Callable[..., Result]


@pytest.fixture(name="run")
def _run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the program in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path, exit_code: int = 0) -> Result:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert result.exit_code == exit_code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


@pytest.fixture(name="cards")
def _cards(run: Run, tmp_path: Path) -> Path:
    """A folder of cards that were compiled from a fixture."""
    run("compile", FIXTURE, "-o", "cards")
    return tmp_path / "cards"


def commands(command: click.Command = main, *path: str) -> list[list[str]]:
    """The path of every command."""
    found = [list(path)]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            found += commands(inner, *path, name)
    return found


class TestProgram:
    @pytest.mark.parametrize("path", commands(), ids=" ".join)
    def test_every_command_has_help(self, run: Run, path: list[str]) -> None:
        text = run(*path, "--help").output
        assert text.startswith(f"Usage: main {' '.join(path)}".rstrip())
        assert run(*path, "-h").output == text

    @pytest.mark.parametrize("path", commands(), ids=" ".join)
    def test_every_command_and_option_says_what_it_does(self, path: list[str]) -> None:
        command: click.Command | None = main
        for name in path:
            assert isinstance(command, click.Group)
            command = command.get_command(click.Context(command), name)
        assert command is not None
        assert command.help
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, parameter.name

    def test_the_list_of_commands_is_that_of_the_modules(self, run: Run) -> None:
        text = run("--help").output
        assert all(name in text and about[:30] in text for name, about in COMMANDS.items())

    def test_it_tells_its_version(self, run: Run) -> None:
        assert run("--version").output == f"clawtrace, version {__version__}\n"

    @pytest.mark.parametrize(
        "arguments",
        [
            ["nothing-like-it"],
            ["compile"],
            ["compile", "absent.json"],
            ["compile", "--no-such-option"],
            ["cards", "ls", "absent"],
            ["cards", "show", "absent.yaml"],
            ["cards", "validate"],
            ["cards", "ls", ".", "--sort", "colour"],
            ["prices", "show"],
            ["prices", "show", "gpt-5.4", "--at", "soon"],
            ["collector", "validate"],
            ["collector", "--no-such-option"],
        ],
        ids=" ".join,
    )
    def test_wrong_usage_is_status_2(self, run: Run, arguments: list[str]) -> None:
        assert "Error: " in run(*arguments, exit_code=2).stderr

    @pytest.mark.parametrize(
        "what", ["import clawtrace_otel", "from clawtrace_otel.cli import main; main(['--help'])"]
    )
    def test_starting_loads_nothing_that_is_not_needed(self, what: str) -> None:
        """An agent's process pays for what it imports."""
        then = "import sys; print(*sys.modules, file=sys.stderr)"
        code = f"try:\n {what}\nexcept SystemExit: pass\n{then}"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        heavy = {"genai_prices", "grpc", "aiohttp", "rich", "yaml", "pydantic", "opentelemetry.sdk"}
        assert heavy.isdisjoint(done.stderr.split())


class TestCompile:
    @pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
    def test_captures_become_valid_cards(self, run: Run, path: Path) -> None:
        result = run("compile", path, "-o", "cards", "--json")
        said = json.loads(result.stdout)
        written = sorted(file.stem for file in Path("cards").glob("*.yaml"))
        assert sorted(said["cards"]) == written
        assert said["problems"] == []
        assert result.stderr == ""
        assert run("cards", "validate", "cards").stdout == f"{len(written)} valid, 0 not\n"
        known = [
            yaml.safe_load(f.read_text())["total"]["cost_usd"] for f in Path("cards").glob("*.yaml")
        ]
        assert said["cost_usd"] == pytest.approx(sum(cost or 0 for cost in known))

    def test_lines_a_list_and_protobuf_give_the_same_cards(self, run: Run, tmp_path: Path) -> None:
        lines = FIXTURE.read_bytes().splitlines()
        (tmp_path / "list.json").write_bytes(b"[" + b",\n".join(lines) + b"]")
        (tmp_path / "traces.pb").write_bytes(b"".join(traces_to_protobuf(line) for line in lines))
        written = []
        for n, path in enumerate((FIXTURE, Path("list.json"), Path("traces.pb"))):
            run("compile", path, "-o", str(n))
            written.append({f.name: f.read_text() for f in (tmp_path / str(n)).glob("*.yaml")})
        assert written[0] == written[1] == written[2] != {}

    def test_several_files_of_one_trace_give_one_card(self, run: Run, tmp_path: Path) -> None:
        """Delivered in pieces, in any order, and twice."""
        for n, line in enumerate(reversed(FIXTURE.read_bytes().splitlines())):
            (tmp_path / f"{n}.json").write_bytes(line)
        run("compile", FIXTURE, "-o", "whole")
        run("compile", *sorted(tmp_path.glob("*.json")), FIXTURE, "-o", "pieces")
        whole, pieces = (
            {f.name: f.read_text() for f in (tmp_path / name).glob("*.yaml")}
            for name in ("whole", "pieces")
        )
        assert whole == pieces

    def test_it_says_what_it_did(self, run: Run) -> None:
        text = run("compile", FIXTURE, "-o", "cards").stdout
        assert text.startswith("17 spans, 7 traces, 7 cards in cards, $")

    def test_a_damaged_line_is_told_and_the_rest_read(self, run: Run, tmp_path: Path) -> None:
        lines = FIXTURE.read_bytes().splitlines()
        path = tmp_path / "traces.jsonl"
        path.write_bytes(b"\n".join([lines[0], b'{"resourceSpans": [', *lines[1:]]))
        result = run("compile", path, "-o", "cards", "--json")
        assert result.stderr.startswith(f"{path}:2: ")
        said = json.loads(result.stdout)
        assert said["spans"] == 17
        (problem,) = said["problems"]
        assert (problem["file"], problem["line"]) == (str(path), 2)
        assert problem["text"].startswith("no JSON: ")

    def test_what_did_not_change_is_left_alone_unless_forced(self, run: Run) -> None:
        first = run("compile", FIXTURE, "-o", "cards").stdout
        assert run("compile", FIXTURE, "-o", "cards").stdout == "1 file unchanged\n"
        said = json.loads(run("compile", FIXTURE, "-o", "cards", "--json").stdout)
        assert (said["spans"], said["unchanged"]) == (0, [str(FIXTURE)])
        assert run("compile", FIXTURE, "-o", "cards", "--force").stdout == first

    def test_files_of_no_known_format_are_counted(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "runs").mkdir()
        for name in ("a.json", "b.json"):
            (tmp_path / "runs" / name).write_text('{"theme": "dark"}')
        (tmp_path / "runs" / "c.jsonl").write_bytes(FIXTURE.read_bytes())
        result = run("compile", "runs", "-o", "cards", "--json")
        text = "2 files of no known format left out, the first: runs/a.json\n"
        assert result.stderr == text
        assert json.loads(result.stdout)["unknown"] == ["runs/a.json", "runs/b.json"]

    def test_calls_that_nobody_prices_are_told_by_model(self, run: Run, tmp_path: Path) -> None:
        text = re.sub(r'"(gpt|text)-[^"]+"', '"made-up"', FIXTURE.read_text())
        (tmp_path / "a.jsonl").write_text(text)
        lines = run("compile", "a.jsonl", "-o", "cards").stdout.splitlines()
        assert lines[0].endswith("cards in cards, unknown together")
        assert re.fullmatch(r"\d+ calls without a price: made-up \(.*", lines[1])

    def test_a_format_can_be_named(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "odd.json").write_text('{"resource_spans": []}')
        message = run("compile", "odd.json", "--format", "tau2", exit_code=1).stderr
        assert message.endswith("nothing could be read\n")
        assert "nothing" not in run("compile", FIXTURE, "--format", "otlp").stderr
        run("compile", FIXTURE, "--format", "nonsense", exit_code=2)

    def test_a_package_that_is_missing_is_told_with_its_extra(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "ijson", None)
        (tmp_path / "list.json").write_bytes(b"[" + FIXTURE.read_bytes().splitlines()[0] + b"]")
        message = run("compile", "list.json", exit_code=1).stderr
        assert "pip install 'clawtrace-otel[importers]'" in message

    def test_spans_are_forwarded(self, run: Run) -> None:
        with GrpcSink() as sink:
            lines = run("compile", FIXTURE, "--forward", sink.url).stdout.splitlines()
            assert lines[-1] == "17 spans forwarded"
            assert sink.taken
            said = json.loads(
                run("compile", FIXTURE, "--forward", sink.url, "--force", "--json").stdout
            )
            assert said["forwarded"] == {"sent": 17, "rejected": 0}
        assert "forward is 'x'" in run("compile", FIXTURE, "--forward", "x", exit_code=1).stderr

    def test_progress_is_shown_on_a_terminal_and_after_a_while_only(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def stderr() -> str:
            return run("compile", FIXTURE, "-o", "cards", "--force").stderr

        assert stderr() == ""
        monkeypatch.setenv("FORCE_COLOR", "1")  # by which rich takes it for a terminal
        assert stderr() == ""
        monkeypatch.setattr(progress, "SHOW_AFTER_SECONDS", 0)
        assert "reading" in stderr()
        monkeypatch.delenv("FORCE_COLOR")
        assert stderr() == ""

    @pytest.mark.parametrize("text", ["", "no traces", "{}", "\x00\xff"])
    def test_nothing_that_can_be_read_is_status_1(
        self, run: Run, tmp_path: Path, text: str
    ) -> None:
        (tmp_path / "traces.json").write_text(text)
        assert "nothing could be read" in run("compile", "traces.json", exit_code=1).stderr

    def test_the_folder_is_that_of_the_settings_unless_told(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run("compile", FIXTURE)
        assert len(list((tmp_path / "tracecards").glob("*.yaml"))) == 7
        monkeypatch.setenv("CLAWTRACE_CARDS", "elsewhere")
        run("compile", FIXTURE)
        assert len(list((tmp_path / "elsewhere").glob("*.yaml"))) == 7

    def test_a_folder_that_cannot_be_written_is_told(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        message = run("compile", FIXTURE, "-o", "file/cards", exit_code=1).stderr
        assert "Error: cards cannot be written to file/cards" in message

    @pytest.mark.parametrize(
        ("flag", "verdict"),
        [
            ([], "unverified"),
            (["--read-only-tools", "read_file, look*"], "same"),
            (["--read-only-tools", "look", "--state-changing-tools", "l*"], "unverified"),
        ],
    )
    def test_tools_are_told_by_globs(
        self, run: Run, tmp_path: Path, flag: list[str], verdict: str
    ) -> None:
        calls = [
            ("read_file", '{"path": "a"}'),
            ("look", '{"x": 1}'),
            ("read_file", '{"path": "a"}'),
        ]
        spans = [
            span(
                n,
                start_time_unix_nano=n * 10**9,
                end_time_unix_nano=n * 10**9 + 1,
                attributes={
                    "gen_ai.operation.name": "execute_tool",
                    "gen_ai.tool.name": tool,
                    "gen_ai.tool.call.arguments": arguments,
                    "gen_ai.tool.call.result": "text",
                },
            )
            for n, (tool, arguments) in enumerate(calls, 1)
        ]
        (tmp_path / "traces.pb").write_bytes(request(spans).SerializeToString())
        run("compile", "traces.pb", "-o", "cards", *flag)
        card = yaml.safe_load(next(Path("cards").glob("*.yaml")).read_text())
        assert card["redundant"][0]["verdict"] == verdict

    @pytest.mark.parametrize(
        ("flag", "value", "message"),
        [
            ("--near-threshold", "2", "near_threshold is '2': Expected `float` <= 1"),
            ("--max-card-bytes", "10", "max_card_bytes is '10': Expected `int` >= 1024"),
            ("--prices", "absent.yaml", "cannot read absent.yaml"),
        ],
    )
    def test_a_wrong_setting_is_status_1(
        self, run: Run, flag: str, value: str, message: str
    ) -> None:
        assert message in run("compile", FIXTURE, flag, value, exit_code=1).stderr

    def test_a_price_file_is_used(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "prices.yaml").write_text(
            "prices: 1\nmodels: [{model: '*', input: 0, output: 1000000}]"
        )
        run("compile", FIXTURE, "-o", "cards", "--prices", "prices.yaml")
        for file in Path("cards").glob("*.yaml"):
            card = yaml.safe_load(file.read_text())
            priced = [step for step in card["steps"] if "out" in step]
            assert all(step["usd"] == step["out"] for step in priced)


class TestCards:
    def test_ls_prints_a_row_for_each_card(self, run: Run, cards: Path) -> None:
        text = run("cards", "ls", cards).stdout
        assert all(file.stem in text for file in cards.glob("*.yaml"))

    def test_ls_in_json_is_what_the_cards_say(self, run: Run, cards: Path) -> None:
        listed = json.loads(run("cards", "ls", cards, "--json").stdout)
        for card in listed:
            content = yaml.safe_load((cards / f"{card['trace_id']}.yaml").read_text())
            assert card.items() <= content.items()
        assert len(listed) == 7

    def test_ls_sorts_by_time_unless_told(self, run: Run, cards: Path) -> None:
        by_default = json.loads(run("cards", "ls", cards, "--json").stdout)
        by_time = json.loads(run("cards", "ls", cards, "--json", "--sort", "time").stdout)
        assert by_default == by_time
        starts = [card["started"] for card in by_time]
        assert starts == sorted(starts)

    def test_ls_sorts_the_dearest_first_and_the_unknown_last(self, run: Run, cards: Path) -> None:
        cheapest = min(cards.glob("*.yaml"), key=lambda f: f.stat().st_size)
        card = yaml.safe_load(cheapest.read_text())
        card["total"]["cost_usd"] = None
        cheapest.write_text(yaml.safe_dump(card))
        listed = json.loads(run("cards", "ls", cards, "--json", "--sort", "cost").stdout)
        costs = [card["total"]["cost_usd"] for card in listed]
        known = [cost for cost in costs if cost is not None]
        assert known == sorted(known, reverse=True)
        assert costs[-1] in (None, 0.0)

    def test_ls_names_what_is_no_card_and_lists_the_rest(self, run: Run, cards: Path) -> None:
        (cards / "broken.yaml").write_text("tracecard: 1\n")
        result = run("cards", "ls", cards, "--json")
        assert len(json.loads(result.stdout)) == 7
        assert result.stderr.startswith("left out: ")
        assert "broken.yaml" in result.stderr

    def test_ls_of_an_empty_folder_is_empty(self, run: Run, tmp_path: Path) -> None:
        assert json.loads(run("cards", "ls", tmp_path, "--json").stdout) == []

    def test_show_prints_sums_and_every_step(self, run: Run, cards: Path) -> None:
        path = max(cards.glob("*.yaml"), key=lambda file: file.stat().st_size)
        card = yaml.safe_load(path.read_text())
        text = run("cards", "show", path).stdout
        assert text.startswith(f"{card['root']['name']}  {card['trace_id']}  {card['status']}\n")
        assert f"${card['total']['cost_usd']:,.6f} in" in text
        assert f"{card['total']['llm_calls']} LLM calls" in text
        lines = [line.split()[0] for line in text.splitlines() if line.strip()[:1].isdigit()]
        assert lines == [str(step["n"]) for step in card["steps"]]
        assert "repeats 2: same" in text

    def test_show_in_json_is_the_card(self, run: Run, cards: Path) -> None:
        for path in cards.glob("*.yaml"):
            shown = json.loads(run("cards", "show", path, "--json").stdout)
            assert shown == yaml.safe_load(path.read_text())

    @pytest.mark.parametrize("arguments", [["show"], ["show", "--json"], ["validate"]])
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"tracecard": 2}, "Invalid enum value 2 - at `$.tracecard`"),
            ({"revision": 0}, "Expected `int` >= 1 - at `$.revision`"),
            ({"steps": [{"n": "one", "ms": 1}]}, "Expected `int`, got `str` - at `$.steps[0].n`"),
            ({"root": {"span": "x", "name": "", "service": ""}}, "at `$.root.span`"),
            ({"total": None}, "at `$.total`"),
        ],
    )
    def test_a_wrong_card_is_told_by_the_path_to_the_key(
        self, run: Run, cards: Path, arguments: list[str], change: dict[str, Any], message: str
    ) -> None:
        path = next(cards.glob("*.yaml"))
        path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **change}))
        result = run("cards", *arguments, path, exit_code=1)
        assert f"{path} is no valid TraceCard" in result.stderr
        assert message in result.stderr

    @pytest.mark.parametrize("text", ["", "- 1", "a: b: c", "\x00", "just text"])
    def test_a_file_that_is_no_card_is_told(self, run: Run, tmp_path: Path, text: str) -> None:
        (tmp_path / "card.yaml").write_text(text)
        assert "card.yaml" in run("cards", "validate", "card.yaml", exit_code=1).stderr
        assert "card.yaml" in run("cards", "show", "card.yaml", exit_code=1).stderr

    @pytest.mark.parametrize("text", ["started: 2026-02-30", f"revision: {'9' * 5000}"])
    def test_a_value_that_yaml_cannot_make_is_told(
        self, run: Run, tmp_path: Path, text: str
    ) -> None:
        (tmp_path / "card.yaml").write_text(text)
        assert "card.yaml" in run("cards", "validate", "card.yaml", exit_code=1).stderr

    def test_validate_counts_files_and_folders(self, run: Run, cards: Path) -> None:
        (cards / "broken.yaml").write_text("tracecard: 1\n")
        one = next(file for file in cards.glob("*.yaml") if file.name != "broken.yaml")
        assert run("cards", "validate", one).stdout == "1 valid, 0 not\n"
        result = run("cards", "validate", cards, one, exit_code=1)
        assert result.stdout == "8 valid, 1 not\n"
        assert result.stderr.count("\n") == 1

    def test_the_schema_holds_for_the_cards(self, run: Run, cards: Path) -> None:
        schema = json.loads(run("cards", "schema").stdout)
        for path in cards.glob("*.yaml"):
            jsonschema.validate(yaml.safe_load(path.read_text()), schema)


class TestPrices:
    def test_show_prints_rates_source_and_version(self, run: Run) -> None:
        text = run("prices", "show", "claude-sonnet-4-5").stdout
        assert text.startswith(
            f"anthropic / claude-sonnet-4-5: genai-prices {genai_prices.__version__}\n"
        )
        rows = [line.split() for line in text.splitlines()]
        up_to, over = (next(r for r in rows if r[:1] == [word]) for word in ("up", "over"))
        expected = self._published("claude-sonnet-4-5")
        assert up_to[2:] == ["200,000", *(f"{base.normalize():f}" for base, _ in expected)]
        assert over[4:] == [f"{top.normalize():f}" for _, top in expected]

    def test_show_in_json_has_the_same_rates_as_numbers(self, run: Run) -> None:
        said = json.loads(run("prices", "show", "claude-sonnet-4-5", "--json").stdout)
        assert (said["provider"], said["model"]) == ("anthropic", "claude-sonnet-4-5")
        assert (said["source"], said["version"]) == ("genai-prices", genai_prices.__version__)
        columns = ("fresh", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning")
        for n, row in enumerate(said["usd_per_mtok"]):
            expected = [float(pair[n]) for pair in self._published("claude-sonnet-4-5")]
            assert [row[column] for column in columns] == expected

    def _published(self, model: str) -> list[tuple[Decimal, Decimal]]:
        """(rate, rate of large requests) of each column."""
        usage = genai_prices.Usage(input_tokens=1)
        price = genai_prices.calc_price(usage, model).model_price
        values = (
            price.input_mtok,
            price.cache_read_mtok,
            price.cache_write_mtok,
            price.cache_write_1h_mtok,
            price.output_mtok,
            price.output_mtok,
        )
        assert all(isinstance(value, TieredPrices) for value in values)
        return [(v.base, v.tiers[0].price) for v in values if isinstance(v, TieredPrices)]

    def test_show_says_since_when_dated_rates_hold(self, run: Run) -> None:
        dated = run("prices", "show", "claude-opus-4-6", "--at", "2026-03-13").stdout
        before = run("prices", "show", "claude-opus-4-6", "--at", "2026-03-12").stdout
        assert "in force since 2026-03-13" in dated
        assert "in force since" not in before

    def test_show_knows_tiers_whatever_their_case(self, run: Run) -> None:
        standard, batch, shouted = (
            json.loads(run("prices", "show", "claude-sonnet-4-5", "--json", *tier).stdout)[
                "usd_per_mtok"
            ][0]["output"]
            for tier in ([], ["--tier", "batch"], ["--tier", "BATCH"])
        )
        assert batch == shouted == standard / 2

    def test_show_knows_the_users_prices(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "p.yaml").write_text(
            "prices: 1\nmodels: [{model: 'my-*', from: 2026-01-01, input: 0.1, output: 2}]"
        )
        text = run("prices", "show", "my-model", "--prices", "p.yaml", "--at", "2026-05-01").stdout
        assert text.startswith("* / my-*: user p.yaml, in force since 2026-01-01\n")
        row = next(line.split() for line in text.splitlines() if line.strip().startswith("any"))
        assert row == ["any", "0.1", "0.1", "0.1", "0.1", "2", "2"]

    @pytest.mark.parametrize(
        "arguments", [["nobody-knows-this"], ["gpt-5.4", "--provider", "nobody"], ["whisper-1"]]
    )
    def test_an_unknown_model_is_status_1(self, run: Run, arguments: list[str]) -> None:
        message = run("prices", "show", *arguments, exit_code=1).stderr
        assert f"no source knows a price for {arguments[0]!r}" in message
        assert "--prices" in message

    def test_a_wrong_price_file_is_status_1(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "p.yaml").write_text("prices: 1\nmodels: [{model: m, input: -1, output: 2}]")
        message = run("prices", "show", "m", "--prices", "p.yaml", exit_code=1).stderr
        assert "Error: p.yaml: $.models[0] ('m') has a negative or absurd amount" in message

    def test_today_is_the_day_unless_told(self, run: Run) -> None:
        said = json.loads(run("prices", "show", "gpt-5.4", "--json").stdout)
        assert abs((date.fromisoformat(said["at"][:10]) - date.today()).days) <= 1


class TestCollector:
    def test_every_setting_is_a_flag_with_its_variable_and_default(self, run: Run) -> None:
        text = " ".join(run("collector", "--help").output.split())
        for name in (name for name in FIELDS if not is_secret(name)):
            assert f"--{name.replace('_', '-')} TEXT" in text
            assert f"CLAWTRACE_{name.upper()}" in text.replace(" ", "")
            assert describe(name).split()[0] in text
        assert f"default {Settings().grpc}" in text

    def test_a_valid_file_is_said_to_be_so(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "p.yaml").write_text("prices: 1\nmodels: [{model: m, free: true}]")
        (tmp_path / "c.yaml").write_text("prices: p.yaml\nread_only_tools: [read_*]\n")
        assert run("collector", "validate", "--config", "c.yaml").stdout == "c.yaml is valid\n"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("settle: 5", "c.yaml: $.settle: unknown setting 'settle'; there are: cards"),
            (
                "settle_seconds: soon",
                "c.yaml: $.settle_seconds is 'soon': Expected `float`, got `str`",
            ),
            ("near_threshold: 2", "c.yaml: $.near_threshold is 2: Expected `float` <= 1.0"),
            ("prices: absent.yaml", "cannot read absent.yaml"),
            ("a: b: c", "c.yaml: mapping values are not allowed"),
        ],
    )
    def test_a_wrong_file_is_status_1(
        self, run: Run, tmp_path: Path, text: str, message: str
    ) -> None:
        (tmp_path / "c.yaml").write_text(text)
        assert message in run("collector", "validate", "--config", "c.yaml", exit_code=1).stderr

    def test_only_the_file_is_checked(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CLAWTRACE_NEAR_THRESHOLD", "2")
        (tmp_path / "c.yaml").write_text("cards: c\n")
        run("collector", "validate", "--config", "c.yaml")

    def test_a_file_that_is_not_there_is_status_1(self, run: Run) -> None:
        message = run("collector", "validate", "--config", "absent.yaml", exit_code=1).stderr
        assert "cannot read absent.yaml" in message

    def test_a_wrong_flag_stops_the_service_before_it_starts(self, run: Run) -> None:
        message = run("collector", "--settle-seconds", "soon", exit_code=1).stderr
        assert "settle_seconds is 'soon'" in message
