import json
from pathlib import Path

import pytest

from clawtrace_otel.costcraft.llm.session import LlmResult, analyse
from clawtrace_otel.demo.model_server import ModelServer, Reply, Request
from clawtrace_otel.errors import CostCraftError
from clawtrace_otel.tracecard.read import read_card
from tests.costcraft.llm.asked import (
    CALL_USD,
    PRUNE,
    always,
    in_turn,
    options,
    prompt,
    proposing,
    reply,
    runs_named,
)
from tests.costcraft.llm.slow_server import SlowServer


def refused(status: int) -> Reply:
    return reply("", status=status)


def ask_of(server: ModelServer | SlowServer, folder: Path, *names: str) -> LlmResult:
    given = options(folder, server.url, concurrency=1)
    return analyse(runs_named(*names), "", given, folder)


def format_of(request: Request) -> str | None:
    wanted = request.body.get("response_format")
    return wanted["type"] if wanted else None


def test_a_busy_endpoint_is_asked_again(tmp_path: Path) -> None:
    script = in_turn([refused(429), proposing(PRUNE)])
    with ModelServer(script) as server:
        given = options(tmp_path, server.url, max_retries=2)
        found = analyse(runs_named("one"), "", given, tmp_path)
        assert len(server.requests) == 2
    assert len(found.patches) == 1
    assert found.cost_usd == CALL_USD
    assert read_card(found.cards[0])["total"]["llm_calls"] == 1


def test_nonsense_gets_one_request_to_repair_it_which_says_what_was_wrong(tmp_path: Path) -> None:
    script = in_turn([reply("I would cache more."), proposing(PRUNE)])
    with ModelServer(script) as server:
        found = ask_of(server, tmp_path, "one")
        second = server.requests[1]
    assert second.messages[-2] == {"role": "assistant", "content": "I would cache more."}
    assert "That cannot be read: JSON is malformed" in second.messages[-1]["content"]
    assert (len(found.patches), found.nonsense, found.calls) == (1, 1, 2)
    assert found.cost_usd == 2 * CALL_USD


@pytest.mark.parametrize(
    "text",
    [
        "Do not call `read_file` again.",
        "",
        "{",
        "[]",
        '{"proposals": [{"action": "prune", "rule": "Read once."}]}',
        '{"proposals": [{**PRUNE, "action": "destroy"}]}',
        '{"proposals": "Do not call `read_file` again."}',
    ],
)
def test_nonsense_never_becomes_a_rule_and_is_told(text: str, tmp_path: Path) -> None:
    def script(request: Request) -> Reply:
        return reply(text) if "the text of bad" in prompt(request) else proposing(PRUNE)

    with ModelServer(script) as server:
        found = ask_of(server, tmp_path, "good", "bad")
    (patch,) = found.patches
    assert (patch.rule, patch.support.runs) == (PRUNE["rule"], 1)
    assert any("no proposals: nonsense, twice" in problem for problem in found.problems)
    assert "2 answers could not be read" in found.problems
    assert found.cost_usd == 3 * CALL_USD


def test_nonsense_is_asked_again_by_the_next_call(tmp_path: Path) -> None:
    script = in_turn([reply("no"), reply("no"), proposing(PRUNE)])
    with ModelServer(script) as server:
        assert not ask_of(server, tmp_path, "one").patches
        assert len(ask_of(server, tmp_path, "one").patches) == 1


def test_an_answer_in_a_code_fence_is_read(tmp_path: Path) -> None:
    text = f"Here it is:\n```json\n{json.dumps({'proposals': [PRUNE]})}\n```"
    with ModelServer(always(reply(text))) as server:
        found = ask_of(server, tmp_path, "one")
    assert (len(found.patches), found.nonsense) == (1, 0)


def test_a_schema_in_strict_form_is_asked_for(tmp_path: Path) -> None:
    with ModelServer(always(proposing())) as server:
        ask_of(server, tmp_path, "one")
        wanted = server.requests[0].body["response_format"]
    assert (wanted["type"], wanted["json_schema"]["strict"]) == ("json_schema", True)
    assert wanted["json_schema"]["schema"]["additionalProperties"] is False


@pytest.mark.parametrize(
    ("taken", "asked"),
    [
        ("json_object", ["json_schema", "json_object", "json_object"]),
        (None, ["json_schema", "json_object", None, None]),
    ],
)
def test_an_endpoint_that_refuses_a_format_is_asked_in_the_next_one_and_from_then_on(
    taken: str | None, asked: list[str | None], tmp_path: Path
) -> None:
    def script(request: Request) -> Reply:
        return proposing(PRUNE) if format_of(request) == taken else refused(400)

    with ModelServer(script) as server:
        found = ask_of(server, tmp_path, "one", "two")
        assert [format_of(request) for request in server.requests] == asked
    assert found.patches[0].support.runs == 2
    assert found.cost_usd == 2 * CALL_USD


def test_a_request_that_is_refused_in_every_format_is_that_runs_problem_alone(
    tmp_path: Path,
) -> None:
    def script(request: Request) -> Reply:
        return refused(400) if "the text of bad" in prompt(request) else proposing(PRUNE)

    with ModelServer(script) as server:
        found = ask_of(server, tmp_path, "bad", "good")
        last = [r for r in server.requests if "the text of good" in prompt(r)][-1]
        assert format_of(last) == "json_schema"
    assert found.patches[0].support.runs == 1
    assert "the endpoint refuses the request" in found.problems[0]


def test_an_endpoint_that_only_knows_max_tokens_gets_that(tmp_path: Path) -> None:
    refusal = {"error": {"message": "Unsupported parameter: 'max_completion_tokens'"}}
    bodies: list[dict[str, object]] = []

    def answer(body: str) -> str:
        bodies.append(json.loads(body))
        return json.dumps({"proposals": [PRUNE]})

    with SlowServer(answer, refuse=lambda body: refusal if "completion_t" in body else None) as s:
        found = ask_of(s, tmp_path, "one", "two")
    assert [body["max_tokens"] for body in bodies] == [100, 100]
    assert all("response_format" in body for body in bodies)
    assert found.patches[0].support.runs == 2


def test_an_endpoint_that_stops_half_way_keeps_what_was_done_and_the_next_call_asks_the_rest(
    tmp_path: Path,
) -> None:
    names = "abcdefgh"
    answered: list[str] = []

    def answer(body: str) -> str | None:
        if len(answered) == 2:
            return None
        answered.append(body)
        return json.dumps({"proposals": [PRUNE]})

    with SlowServer(answer) as server:
        first = ask_of(server, tmp_path, *names)
        assert len(server.requests) == 2 + 3
    assert (first.patches[0].support.runs, first.asked, first.unasked) == (2, 4, 4)
    assert any("the endpoint does not answer any more" in problem for problem in first.problems)
    with ModelServer(always(proposing(PRUNE))) as after:
        second = ask_of(after, tmp_path, *names)
        assert len(after.requests) == 6
    assert (second.patches[0].support.runs, second.reused, second.problems) == (8, 2, [])
    assert second.earlier_usd == first.cost_usd


@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_endpoint_that_refuses_everything_is_asked_once(status: int, tmp_path: Path) -> None:
    with ModelServer(always(refused(status))) as server:
        with pytest.raises(CostCraftError, match="refuses every request"):
            ask_of(server, tmp_path, "one", "two")
        assert len(server.requests) == 1


def test_nobody_listening_is_told(tmp_path: Path) -> None:
    with ModelServer(always(proposing())) as server:
        url = server.url
    with pytest.raises(CostCraftError, match="does not answer any more: APIConnectionError"):
        analyse(runs_named("one", "two", "three"), "", options(tmp_path, url), tmp_path)


@pytest.mark.parametrize(
    "sent", ["<html>Bad gateway</html>", '{"error": {"message": "upstream"}}', '{"choices": []}']
)
def test_what_is_no_chat_completion_is_told(sent: str, tmp_path: Path) -> None:
    with SlowServer(lambda _: sent, raw=True) as server:
        found = ask_of(server, tmp_path, "one")
    assert not found.patches
    assert "what it sent is no chat completion" in found.problems[0]


@pytest.mark.parametrize("usage", [None, "many", {"prompt_tokens": "a few"}, {}])
def test_an_answer_without_a_usage_is_taken_and_counted_as_unpriced(
    usage: object, tmp_path: Path
) -> None:
    message = {"content": json.dumps({"proposals": [PRUNE]})}
    whole = json.dumps({"choices": [{"message": message}], "usage": usage})
    with SlowServer(lambda _: whole, raw=True) as server:
        found = ask_of(server, tmp_path, "one")
    assert (len(found.patches), found.unpriced, found.cost_usd) == (1, 1, None)


@pytest.mark.parametrize(
    ("choice", "why"),
    [
        ({"message": {"content": "{", "refusal": None}, "finish_reason": "length"}, "cut off"),
        ({"message": {"content": None, "refusal": "I cannot do that."}}, "the model refused"),
        ({"message": {"content": None}}, "it is empty"),
    ],
)
def test_why_an_answer_is_none_is_told(choice: object, why: str, tmp_path: Path) -> None:
    with SlowServer(lambda _: json.dumps({"choices": [choice]}), raw=True) as server:
        found = ask_of(server, tmp_path, "one")
    assert why in found.problems[0]


def test_without_a_key_and_an_endpoint_it_is_said_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(CostCraftError, match="set OPENAI_API_KEY"):
        analyse(runs_named("one"), "", options(tmp_path, ""), tmp_path)


def test_endpoint_and_key_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ModelServer(always(proposing(PRUNE))) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "k")
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        assert analyse(runs_named("one"), "", options(tmp_path, ""), tmp_path).patches
