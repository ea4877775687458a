"""The scripted model server, driven by the client that agents use."""

from collections.abc import Iterator
from typing import ClassVar

import httpx2
import openai
import pytest

from clawtrace_otel.demo.model_server import CREATED, ModelServer, Reply, Request, ToolCall

CALL = ToolCall("call_1", "read_file", '{"path": "report.xlsx", "sheet": "a long sheet name"}')
REPLY = Reply(
    text="I read the report before I answer the question.",
    tool_calls=(CALL,),
    input_tokens=1200,
    output_tokens=84,
    cache_read_tokens=800,
    cache_write_tokens=300,
    cache_write_1h_tokens=100,
    reasoning_tokens=40,
)


def script(request: Request) -> Reply:
    """One answer for all, but a model that is named after an HTTP status answers with it."""
    if request.model.isdigit():
        return Reply(input_tokens=0, output_tokens=0, status=int(request.model))
    if request.model == "broken":
        raise KeyError(request.model)
    return REPLY


@pytest.fixture(name="server")
def _server() -> Iterator[ModelServer]:
    with ModelServer(script) as server:
        yield server


@pytest.fixture(name="client")
def _client(server: ModelServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.url, api_key="test", max_retries=0) as client:
        yield client


class TestChat:
    def test_an_answer_has_text_tool_call_and_usage(
        self, client: openai.OpenAI, server: ModelServer
    ) -> None:
        answer = client.chat.completions.create(
            model="gpt-5.4", messages=[{"role": "user", "content": "Sum it."}]
        )

        assert (answer.id, answer.created, answer.model) == ("chatcmpl-0001", CREATED, "gpt-5.4")
        assert answer.service_tier == "default"
        choice = answer.choices[0]
        assert choice.finish_reason == "tool_calls"
        assert choice.message.content == REPLY.text
        assert choice.message.tool_calls is not None
        call = choice.message.tool_calls[0]
        assert call.type == "function"
        assert (call.id, call.function.name) == (CALL.id, CALL.name)
        assert call.function.arguments == CALL.arguments
        usage = answer.usage
        assert usage is not None
        assert usage.prompt_tokens_details is not None
        assert usage.completion_tokens_details is not None
        assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (
            1200,
            84,
            1284,
        )
        assert usage.prompt_tokens_details.cached_tokens == 800
        assert usage.completion_tokens_details.reasoning_tokens == 40
        assert [r.api for r in server.requests] == ["chat"]
        assert server.requests[0].messages == [{"role": "user", "content": "Sum it."}]

    @pytest.mark.parametrize("with_usage", [True, False])
    def test_a_stream_says_the_same_with_usage_only_if_asked(
        self, client: openai.OpenAI, with_usage: bool
    ) -> None:
        chunks = list(
            client.chat.completions.create(
                model="gpt-5.4",
                messages=[{"role": "user", "content": "Sum it."}],
                stream=True,
                stream_options={"include_usage": True} if with_usage else openai.omit,
            )
        )

        choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
        assert "".join(c.delta.content or "" for c in choices) == REPLY.text
        calls = [call for c in choices for call in c.delta.tool_calls or []]
        assert (calls[0].id, calls[0].function and calls[0].function.name) == ("call_1", CALL.name)
        assert "".join((c.function and c.function.arguments) or "" for c in calls) == CALL.arguments
        assert choices[-1].finish_reason == "tool_calls"
        usages = [chunk.usage.prompt_tokens for chunk in chunks if chunk.usage]
        assert usages == ([1200] if with_usage else [])


class TestResponses:
    def test_an_answer_has_text_function_call_and_usage(self, client: openai.OpenAI) -> None:
        answer = client.responses.create(model="gpt-5.4", input="Sum it.")

        assert (answer.id, answer.status) == ("resp_0001", "completed")
        assert answer.output_text == REPLY.text
        call = answer.output[1]
        assert call.type == "function_call"
        assert (call.call_id, call.name, call.arguments) == (CALL.id, CALL.name, CALL.arguments)
        assert answer.usage is not None
        assert answer.usage.input_tokens_details.cached_tokens == 800
        assert answer.usage.output_tokens_details.reasoning_tokens == 40

    def test_a_stream_ends_with_the_whole_answer(self, client: openai.OpenAI) -> None:
        with client.responses.stream(model="gpt-5.4", input="Sum it.") as stream:
            events = list(stream)
            answer = stream.get_final_response()

        assert [e.sequence_number for e in events if e.type == "response.created"] == [0]
        text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
        assert text == answer.output_text == REPLY.text
        assert answer.usage is not None
        assert answer.usage.total_tokens == 1284


class TestMessages:
    """No Anthropic client is among the dependencies: the wire is read."""

    BODY: ClassVar = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 64,
        "messages": [{"role": "user"}],
    }

    def test_usage_excludes_what_the_cache_had_a_part_in(self, server: ModelServer) -> None:
        answer = httpx2.post(f"{server.anthropic_url}/v1/messages", json=self.BODY).json()

        assert answer["id"] == "msg_0001"
        assert answer["stop_reason"] == "tool_use"
        assert [block["type"] for block in answer["content"]] == ["text", "tool_use"]
        assert answer["content"][1]["input"]["path"] == "report.xlsx"
        assert answer["usage"] == {
            "input_tokens": 100,
            "cache_read_input_tokens": 800,
            "cache_creation_input_tokens": 300,
            "cache_creation": {
                "ephemeral_5m_input_tokens": 200,
                "ephemeral_1h_input_tokens": 100,
            },
            "output_tokens": 84,
            "service_tier": "standard",
        }

    def test_a_stream_counts_its_output_at_the_end(self, server: ModelServer) -> None:
        url = f"{server.anthropic_url}/v1/messages"
        text = httpx2.post(url, json=self.BODY | {"stream": True}).text

        names = [line[7:] for line in text.splitlines() if line.startswith("event: ")]
        assert names[0] == "message_start"
        assert names[-2:] == ["message_delta", "message_stop"]
        assert names.count("content_block_start") == names.count("content_block_stop") == 2
        assert '"output_tokens":84' in text.partition("event: message_delta")[2]

    def test_an_error_is_one_of_this_api(self, server: ModelServer) -> None:
        url = f"{server.anthropic_url}/v1/messages"
        answer = httpx2.post(url, json=self.BODY | {"model": "429"})

        assert answer.status_code == 429
        assert answer.json()["type"] == "error"
        assert answer.json()["error"]["type"] == "rate_limit_error"


class TestEmbeddings:
    def test_each_text_has_a_vector_and_each_word_is_a_token(self, client: openai.OpenAI) -> None:
        answer = client.embeddings.create(model="text-embedding-3-small", input=["a b", "c"])

        assert [item.embedding for item in answer.data] == [[0.25, 0.5, 0.75]] * 2
        assert answer.usage.prompt_tokens == 3


class TestErrors:
    def test_a_scripted_status_reaches_the_client(self, client: openai.OpenAI) -> None:
        with pytest.raises(openai.RateLimitError, match="scripted error 429"):
            client.responses.create(model="429", input="Sum it.")

    def test_an_error_in_the_script_is_answered(self, client: openai.OpenAI) -> None:
        with pytest.raises(openai.InternalServerError, match="the script failed: KeyError"):
            client.responses.create(model="broken", input="Sum it.")

    @pytest.mark.parametrize(
        ("path", "body", "message"),
        [
            ("chat/completions", b"{", "the body is not JSON"),
            ("chat/completions", b"[]", "the body is not a JSON object"),
            ("chat/completions", b"{}", "model (string), messages (list of objects)"),
            ("responses", b'{"model": "m"}', "input (list of objects or string)"),
            ("messages", b'{"model": "m", "messages": []}', "max_tokens (integer)"),
        ],
    )
    def test_what_is_not_understood_says_what_is_missing(
        self, server: ModelServer, path: str, body: bytes, message: str
    ) -> None:
        answer = httpx2.post(f"{server.url}/{path}", content=body)

        assert answer.status_code == 400
        assert message in answer.json()["error"]["message"]
        assert server.requests == []


class TestReply:
    def test_a_part_that_exceeds_its_whole_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"\(5\) is more than the whole \(4\)"):
            Reply(input_tokens=4, output_tokens=0, cache_read_tokens=5)


class TestServer:
    def test_a_taken_port_is_an_error_at_once(self, server: ModelServer) -> None:
        with pytest.raises(OSError, match="in use"):
            ModelServer(script, port=int(server.anthropic_url.rpartition(":")[2]))

    def test_ids_count_the_requests_of_one_server(self, client: openai.OpenAI) -> None:
        ids = [client.responses.create(model="gpt-5.4", input="x").id for _ in range(2)]
        assert ids == ["resp_0001", "resp_0002"]

    def test_it_can_be_closed_twice(self) -> None:
        server = ModelServer(script)
        server.close()
        server.close()
