"""What runs in the container of a task: an agent of the standard library alone.

It asks an OpenAI-compatible model what to do, runs the tools that the model calls, and leaves its
steps in ``$AGENT_LOG`` as ATIF has them; it calls its session ``$AGENT_SESSION``. If an OTLP
endpoint is in its environment, each call is sent there as a span as well, as JSON over HTTP.
"""

import json
import os
import sys
import time
import urllib.request
import uuid
from datetime import UTC, datetime
from pathlib import Path

USD_A_TOKEN = {"prompt": 0.25e-6, "cached": 0.025e-6, "completion": 2e-6}
"""What the agent says that its model costs."""

TOOLS = {
    "read_file": lambda arguments: Path(arguments["path"]).read_text(),
    "write_file": lambda arguments: str(Path(arguments["path"]).write_text(arguments["text"])),
}
SKILLS = Path("/root/.agents/skills")
MAX_CALLS = 20


def post(url, body):
    """The JSON that answers a JSON."""
    headers = {"content-type": "application/json", "authorization": "Bearer scripted"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or b"{}")


def stamp():
    """Now, as ATIF has it."""
    return datetime.now(UTC).isoformat()


class Spans:
    """The spans of one trace, sent when all is done."""

    def __init__(self, endpoint):
        self._endpoint = endpoint
        self._trace_id, self.root_id = uuid.uuid4().hex, uuid.uuid4().hex[:16]
        self._spans = []

    def add(self, name, start_ns, attributes, span_id="", parent=""):
        """A span that ends now."""
        told = {"attributes": pairs(attributes), "name": name, "kind": 3}
        ids = {"traceId": self._trace_id, "spanId": span_id or uuid.uuid4().hex[:16]}
        times = {"startTimeUnixNano": str(start_ns), "endTimeUnixNano": str(time.time_ns())}
        self._spans.append({**ids, "parentSpanId": parent, **told, **times})

    def send(self):
        """Hand them over, with what the environment says of their resource."""
        if not self._endpoint:
            return
        said = [p.split("=", 1) for p in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(",")]
        known = {"service.name": "scripted-agent", **dict(pair for pair in said if len(pair) == 2)}
        scope = {"scope": {"name": "scripted-agent"}, "spans": self._spans}
        resource = {"resource": {"attributes": pairs(known)}, "scopeSpans": [scope]}
        post(f"{self._endpoint}/v1/traces", {"resourceSpans": [resource]})


def pairs(attributes):
    """Attributes as OTLP's JSON has them."""
    kinds = {str: "stringValue", int: "intValue", float: "doubleValue"}
    return [{"key": k, "value": {kinds[type(v)]: v}} for k, v in attributes.items()]


def system_prompt():
    """What the skills say that the environment brings."""
    skills = sorted(SKILLS.glob("*/SKILL.md"))
    return "\n\n".join(["Do what you are asked.", *(skill.read_text() for skill in skills)])


def metrics_of(usage):
    """A call's usage as ATIF has it: prompt tokens include cached ones."""
    prompt, completion = usage["prompt_tokens"], usage["completion_tokens"]
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    counts = {"prompt": prompt - cached, "cached": cached, "completion": completion}
    cost = sum(count * USD_A_TOKEN[kind] for kind, count in counts.items())
    tokens = {"prompt_tokens": prompt, "completion_tokens": completion, "cached_tokens": cached}
    return {**tokens, "cost_usd": round(cost, 12)}


def run_tool(call, spans):
    """The result of a tool call; what went wrong is one, too."""
    start = time.time_ns()
    try:
        result = TOOLS[call["function_name"]](call["arguments"])
    except (OSError, KeyError) as e:
        result = f"Error: {e!r}"
    told = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": call["function_name"]}
    told["gen_ai.tool.call.arguments"] = json.dumps(call["arguments"])
    told |= {"gen_ai.tool.call.id": call["tool_call_id"], "gen_ai.tool.call.result": result}
    spans.add(f"execute_tool {call['function_name']}", start, told, parent=spans.root_id)
    return result


def ask(model, messages, spans):
    """A call of the model: its message, and the step."""
    start = time.time_ns()
    answer = post(
        f"{os.environ['OPENAI_BASE_URL']}/chat/completions", {"model": model, "messages": messages}
    )
    message, metrics = answer["choices"][0]["message"], metrics_of(answer["usage"])
    told = {"gen_ai.operation.name": "chat", "gen_ai.request.model": model}
    told["gen_ai.usage.input_tokens"] = metrics["prompt_tokens"]
    told["gen_ai.usage.output_tokens"] = metrics["completion_tokens"]
    told["gen_ai.usage.cache_read.input_tokens"] = metrics["cached_tokens"]
    spans.add(f"chat {model}", start, told, parent=spans.root_id)
    step = {
        "source": "agent",
        "timestamp": stamp(),
        "model_name": answer["model"],
        "message": message.get("content") or "",
        "metrics": metrics,
        "llm_call_count": 1,
    }
    calls = [
        {
            "tool_call_id": call["id"],
            "function_name": call["function"]["name"],
            "arguments": json.loads(call["function"]["arguments"]),
        }
        for call in message.get("tool_calls") or []
    ]
    return message, step | ({"tool_calls": calls} if calls else {})


def run(model, instruction):
    """Do a task; the steps."""
    spans = Spans(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))
    start = time.time_ns()
    system = system_prompt()
    messages = [{"role": "system", "content": system}, {"role": "user", "content": instruction}]
    steps = [
        {"source": said["role"], "timestamp": stamp(), "message": said["content"]}
        for said in messages
    ]
    for _ in range(MAX_CALLS):
        message, step = ask(model, messages, spans)
        messages.append(message)
        steps.append(step)
        results = []
        for call in step.get("tool_calls", ()):
            result = run_tool(call, spans)
            results.append({"source_call_id": call["tool_call_id"], "content": result})
            answer = {"role": "tool", "tool_call_id": call["tool_call_id"], "content": result}
            messages.append(answer)
        if not results:
            break
        step["observation"] = {"results": results}
    told = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "scripted"}
    told["gen_ai.conversation.id"] = os.environ["AGENT_SESSION"]
    spans.add("invoke_agent scripted", start, told, span_id=spans.root_id)
    spans.send()
    return [{"step_id": number, **step} for number, step in enumerate(steps, start=1)]


log = Path(os.environ["AGENT_LOG"])
log.write_text(json.dumps(run(sys.argv[1], sys.argv[2])))
