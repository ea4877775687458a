"""A model whose answers depend on the skill in the system prompt and on what tools returned.

Its usage grows with what it is sent, so that a skill's tokens cost.
"""

import json

from clawtrace_otel.demo.model_server import Reply, Request, ToolCall

READS = 3
"""How often it reads a file that nobody told it to read once."""


def script(request: Request) -> Reply:
    """Read the numbers, write their sum, say so."""
    system = str(request.messages[0]["content"])
    results = [str(m["content"]) for m in request.messages if m["role"] == "tool"]
    reads = 1 if "Do not read the same file again" in system else READS
    if len(results) < reads:
        return call(request, "read_file", {"path": "numbers.txt"})
    if len(results) == reads:
        numbers = [int(line) for line in results[0].split()]
        if "Round each number to tens" in system:
            numbers = [round(number, -1) for number in numbers]
        return call(request, "write_file", {"path": "sum.txt", "content": str(sum(numbers))})
    return say(request, "The sum is in sum.txt.")


def call(request: Request, name: str, arguments: dict[str, str]) -> Reply:
    """Have a tool called."""
    text = json.dumps(arguments)
    calls = (ToolCall(f"call_{len(request.messages)}", name, text),)
    return Reply(
        tool_calls=calls, input_tokens=input_tokens(request), output_tokens=10 + len(text) // 4
    )


def say(request: Request, text: str) -> Reply:
    """Answer."""
    return Reply(text=text, input_tokens=input_tokens(request), output_tokens=5 + len(text) // 4)


def input_tokens(request: Request) -> int:
    """About as many as a tokenizer would find."""
    return 200 + len(json.dumps(request.messages)) // 4
