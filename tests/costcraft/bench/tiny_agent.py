"""An agent of few lines that starts quickly: it does what its prompt says, and sends one span.

Its span is in a trace of its own, for it does not know `TRACEPARENT`: only the resource says which
run it belongs to. Its cost is supplied with the span.

    cost 0.01    send a span that cost so much
    write X      write X to out.txt
    exit 3       end with this status
    hang         never end, and leave a child behind that does not either
    print        print bytes that are no text
    sleep 2      wait
    late 0.01    end, and let a process send the span 3 s later that nothing ties to the agent
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import unquote


def send(usd: float) -> None:
    told = dict(pair.split("=") for pair in os.environ["OTEL_RESOURCE_ATTRIBUTES"].split(","))
    attributes: dict[str, dict[str, object]] = {
        "gen_ai.operation.name": {"stringValue": "chat"},
        "gen_ai.request.model": {"stringValue": "gpt-5.4"},
        "gen_ai.usage.input_tokens": {"intValue": 1000},
        "gen_ai.usage.output_tokens": {"intValue": 10},
        "gen_ai.usage.cost": {"doubleValue": usd},
    }
    span = {
        "traceId": secrets.token_hex(16),
        "spanId": secrets.token_hex(8),
        "name": "chat gpt-5.4",
        "startTimeUnixNano": str(time.time_ns() - 1_000_000),
        "endTimeUnixNano": str(time.time_ns()),
        "attributes": [{"key": key, "value": value} for key, value in attributes.items()],
    }
    resource = [{"key": k, "value": {"stringValue": unquote(v)}} for k, v in told.items()]
    spans = [{"resource": {"attributes": resource}, "scopeSpans": [{"spans": [span]}]}]
    request = urllib.request.Request(
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/traces",
        json.dumps({"resourceSpans": spans}).encode(),
        {"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=30).close()


def hang() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path("child.pid").write_text(str(child.pid))
    time.sleep(600)


def send_later(usd: str) -> None:
    subprocess.Popen(
        [sys.executable, __file__],
        env={**os.environ, "CLAWTRACE_PROMPT": f"sleep 3\ncost {usd}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def main() -> None:
    skill = os.environ.get("CLAWTRACE_SKILL")
    for line in os.environ["CLAWTRACE_PROMPT"].splitlines():
        word, _, rest = line.partition(" ")
        if word == "cost":
            send(float(rest) * (0.5 if skill else 1.0))
        elif word == "write":
            Path("out.txt").write_text(rest)
        elif word == "exit":
            sys.exit(int(rest))
        elif word == "sleep":
            time.sleep(float(rest))
        elif word == "late":
            send_later(rest)
        elif word == "hang":
            hang()
        elif word == "print":
            sys.stdout.buffer.write(b"\xff\x00\xfe{]")


if __name__ == "__main__":
    main()
