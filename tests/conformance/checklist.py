"""The 27 points that OTLP asks of a receiver, and what it leaves open.

Source: OTLP 1.11, docs/specification.md in opentelemetry-proto, and the behaviour of the
Collector's own receiver, which senders are used to. Each test says which point it looks at, and
whether the specification says MUST, SHOULD or nothing (``may``) about it.
"""

import pytest

CHECKLIST: dict[str, str] = {
    "1": "unary Export over gRPC",
    "2": "POST /v1/traces over HTTP/1.1",
    "3": "no compression and gzip, on both transports",
    "4": "protobuf and JSON on one port, by Content-Type in any case, with parameters",
    "5": "the answer has the Content-Type of the request",
    "6": "requests at the same time",
    "7": "a limit of size, also after decompression: 413, RESOURCE_EXHAUSTED; 64 MiB by default",
    "8": "answers of 4 MiB at most",
    "9": "an empty request is a success",
    "10": "full success leaves partial_success unset",
    "11": "partial success is 200 or OK with a count and a message",
    "12": "undecodable: 400 or INVALID_ARGUMENT, with a Status in the encoding of the request",
    "13": "retryable: UNAVAILABLE with RetryInfo; 429, 502, 503, 504 with Retry-After",
    "14": "back-pressure is UNAVAILABLE; 429 or 503",
    "15": "405 for other methods, 415 for other types, 400 for damaged gzip",
    "16": "JSON: ids in hex of any case, bytes in base64",
    "17": "JSON: enums as numbers; names are tolerated",
    "18": "unknown fields are ignored, in JSON and protobuf",
    "19": "JSON: keys in lowerCamelCase; snake_case is tolerated",
    "20": "JSON: 64-bit integers as texts or numbers; NaN and Infinity as texts",
    "21": "JSON: null is as good as absent",
    "22": "a span with an impossible id is rejected alone",
    "23": "empty envelopes are accepted",
    "24": "what is sent twice counts once",
    "25": "every field is sent on as it came",
    "26": "a span that is still open is not counted twice",
    "27": "nothing that is sent ends the receiver",
}
"""Number of each point -> what it is."""

OPTIONAL: dict[str, str] = {
    "signals": "metrics and logs",
    "encodings": "Content-Encoding other than gzip: zstd, deflate",
    "CORS": "requests from browsers",
    "headers": "a token that nobody asked for",
}
"""What a receiver may do as it likes, as long as senders can tell what it did."""


def must(*points: int) -> pytest.MarkDecorator:
    """A test of what the specification says MUST be."""
    return pytest.mark.point(*map(str, points), level="must")


def should(*points: int | str) -> pytest.MarkDecorator:
    """A test of what the specification says SHOULD be."""
    return pytest.mark.point(*map(str, points), level="should")


def may(*points: int | str) -> pytest.MarkDecorator:
    """A test of what the specification does not ask for."""
    return pytest.mark.point(*map(str, points), level="may")
