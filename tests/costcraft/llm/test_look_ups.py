from pathlib import Path

from clawtrace_otel.costcraft.llm.answers import LookUp
from clawtrace_otel.costcraft.llm.look_ups import look_up
from clawtrace_otel.costcraft.llm.session import analyse
from clawtrace_otel.costcraft.run import Run
from clawtrace_otel.demo.model_server import ModelServer, Reply, Request
from tests.costcraft.llm.asked import (
    always,
    looking_up,
    options,
    prompt,
    proposing,
    runs_named,
)
from tests.costcraft.runs import RunBuilder, number

REPAIR = {
    "action": "repair",
    "section": "Workflow",
    "rule": "Ask for the refund before `write_file`.",
    "tool": "write_file",
    "steps": [2],
    "calls": [],
    "why": "",
}


def failed_run() -> Run:
    builder = RunBuilder("one", passed=False, because="no refund was made before write_file")
    builder.turn(
        "read_file", {"path": "terms"}, "x" * 2_000 + " Refunds take a DAY. " + "y" * 2_000
    )
    builder.turn("write_file", {"path": "b"}, error="PermissionError: closed")
    return builder.run()


def test_a_step_is_shown_with_what_was_said_in_it() -> None:
    run = failed_run()
    shown = look_up(run, LookUp("show_step", number(run, "read_file"), None))
    assert "Refunds take a DAY." in shown
    assert '{\\"path\\":\\"terms\\"}' in shown
    failed = look_up(run, LookUp("show_step", number(run, "write_file"), None))
    assert "PermissionError: closed" in failed


def test_a_step_that_is_not_there_is_said_not_to_be() -> None:
    assert look_up(failed_run(), LookUp("show_step", 99, None)) == "there is no step 99"
    assert look_up(failed_run(), LookUp("show_step", None, None)) == "there is no step None"


def test_a_text_is_found_in_any_step_whatever_its_case() -> None:
    run = failed_run()
    found = look_up(run, LookUp("search", None, "refunds take a day"))
    assert found.startswith(f"step {number(run, 'read_file')}, result: ")
    assert len(found) < 500
    assert look_up(run, LookUp("search", None, "parrot")) == '"parrot" is in no step'
    assert look_up(run, LookUp("search", None, " ")) == "there is nothing to search for"


def test_the_evidence_is_what_evaluators_said() -> None:
    assert "no refund was made" in look_up(failed_run(), LookUp("evidence", None, None))


def test_a_secret_cannot_be_searched_for() -> None:
    builder = RunBuilder("one", passed=False)
    builder.turn("login", {"password": "hunter2-hunter2"}, "ok")
    run = builder.run()
    assert "is in no step" in look_up(run, LookUp("search", None, "hunter2"))
    shown = look_up(run, LookUp("search", None, "password"))
    assert "[masked]" in shown
    assert "hunter2" not in shown


def test_the_error_analyst_gets_what_it_looks_up_and_then_proposes(tmp_path: Path) -> None:
    run = failed_run()

    def script(request: Request) -> Reply:
        if len(request.messages) == 2:
            return looking_up({"tool": "search", "text": "refund"}, {"tool": "evidence"})
        return proposing({**REPAIR, "steps": [number(run, "write_file")]})

    with ModelServer(script) as server:
        found = analyse([run], "", options(tmp_path, server.url), tmp_path)
        last = server.requests[1].messages[-1]["content"]
    assert "Refunds take a DAY." in last
    assert "no refund was made" in last
    assert "4 look-ups are left." in last
    (patch,) = found.patches
    assert patch.oracle == ["no refund was made before write_file"]


def test_look_ups_have_a_bound_even_if_the_model_never_stops(tmp_path: Path) -> None:
    with ModelServer(always(looking_up({}, {}, {}, {}))) as server:
        given = options(tmp_path, server.url, max_look_ups=6)
        found = analyse(runs_named("one", passed=False), "", given, tmp_path)
        asked = [prompt(request) for request in server.requests]
    assert len(asked) == 3
    assert "No look-up is left" in asked[-1]
    assert asked[-1].count('{"tool":"evidence","n":null,"text":null}\n') == 6
    assert not found.patches


def test_the_success_analyst_has_no_look_ups(tmp_path: Path) -> None:
    with ModelServer(always(proposing())) as server:
        analyse(runs_named("one"), "", options(tmp_path, server.url), tmp_path)
        (request,) = server.requests
    assert "look_ups" not in prompt(request)
