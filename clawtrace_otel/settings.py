"""Every setting, once: its name, type, default and meaning.

A setting ``settle_seconds`` is the key ``settle_seconds`` of the settings file, the environment
variable ``CLAWTRACE_SETTLE_SECONDS``, the flag ``--settle-seconds`` and, in an agent's process, the
keyword argument ``settle_seconds`` of the exporter. Flags and arguments win over the environment,
that over the file, that over the default.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from clawtrace_otel.errors import ConfigError
from clawtrace_otel.yaml_io import load_yaml

PREFIX = "CLAWTRACE_"

Seconds = Annotated[float, Meta(ge=0)]
Usd = Annotated[float, Meta(ge=0, le=1_000_000)]
Bytes = Annotated[int, Meta(gt=0)]
Content = Literal["none", "hash", "sample"]
"""See :mod:`clawtrace_otel.semconv.content`."""
LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]

SECRET = {"secret": True}
"""Marks settings that are in no flag, which ``ps`` would show, and in no message."""


class Settings(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """All settings. The service reads all of them, an agent's process those of cards and prices."""

    cards: Annotated[
        str,
        Meta(
            description="folder that the cards are written to, or `s3://BUCKET/PREFIX` and the "
            "like; see docs/storage.md"
        ),
    ] = "tracecards"
    max_card_bytes: Annotated[
        int, Meta(ge=1024, description="size of a card; what does not fit is folded")
    ] = 4096
    content: Annotated[
        Content,
        Meta(
            description="what is kept of arguments and errors: `sample` (their beginning, secrets "
            "masked), `hash` or `none`"
        ),
    ] = "sample"
    prices: Annotated[str, Meta(description="your price file; see docs/prices.md")] = ""
    litellm_prices: Annotated[
        str, Meta(description="JSON file of prices in LiteLLM's format; see docs/prices.md")
    ] = ""
    read_only_tools: Annotated[
        tuple[str, ...], Meta(description="globs of tools that only read")
    ] = ()
    state_changing_tools: Annotated[
        tuple[str, ...], Meta(description="globs of tools that change state; they win")
    ] = ()
    near_threshold: Annotated[
        float,
        Meta(gt=0, le=1, description="similarity of arguments from which on calls are near"),
    ] = 0.9
    refresh_seconds: Annotated[
        Seconds, Meta(description="how often the card of a running trace is refreshed at most")
    ] = 30.0
    grpc: Annotated[str, Meta(description="address for OTLP over gRPC")] = "127.0.0.1:4317"
    http: Annotated[str, Meta(description="address for OTLP over HTTP")] = "127.0.0.1:4318"
    journal: Annotated[
        str,
        Meta(
            description="what was acknowledged: a SQLite file, or a postgresql:// URL that several "
            "replicas share"
        ),
    ] = "clawtrace.db"
    retention_seconds: Annotated[
        Seconds,
        Meta(description="how long closed traces stay in the journal, for spans that come late"),
    ] = 604_800.0
    max_card_steps: Annotated[
        int, Meta(ge=100, description="steps that one card is made of; more get a further card")
    ] = 10_000
    forward: Annotated[
        str,
        Meta(
            description="OTLP URL that the enriched spans go to: gRPC, or HTTP if the port is 4318 "
            "or the path ends in /v1/traces"
        ),
    ] = ""
    settle_seconds: Annotated[
        Seconds, Meta(description="quiet time after which a trace whose root has ended is closed")
    ] = 5.0
    idle_seconds: Annotated[
        Seconds, Meta(description="quiet time after which any trace is closed")
    ] = 900.0
    max_request_bytes: Annotated[
        Bytes, Meta(description="size of a request, also after decompression")
    ] = 64 << 20
    max_pending_bytes: Annotated[
        Bytes, Meta(description="requests waiting for the journal; beyond it senders must wait")
    ] = 64 << 20
    max_memory_bytes: Annotated[
        Bytes,
        Meta(
            description="memory that requests may take above that of the idle service; see "
            "docs/reliability.md"
        ),
    ] = 256 << 20
    max_forward_bytes: Annotated[
        Bytes, Meta(description="requests waiting to be sent on; beyond it senders must wait")
    ] = 1 << 30
    max_connections: Annotated[
        int, Meta(gt=0, description="of each receiver at a time; more are refused")
    ] = 1000
    tls_cert_file: Annotated[
        str, Meta(description="certificate of the receivers, in PEM; with it they take TLS alone")
    ] = ""
    tls_key_file: Annotated[str, Meta(description="its private key, in PEM")] = ""
    tls_client_ca_file: Annotated[
        str, Meta(description="authorities, in PEM; senders must have a certificate of one of them")
    ] = ""
    tokens_file: Annotated[
        str, Meta(description="file of bearer tokens that may send; a line is a name and a token")
    ] = ""
    tokens: Annotated[
        tuple[str, ...],
        Meta(description="more of them, as `name:token`; no flag", extra=SECRET),
    ] = ()
    max_token_bytes_per_second: Annotated[
        float, Meta(ge=0, description="of each token, or of all without tokens; 0: no limit")
    ] = 0.0
    forward_ca_file: Annotated[
        str, Meta(description="authorities, in PEM, that the receiver of `forward` must be of")
    ] = ""
    forward_cert_file: Annotated[
        str, Meta(description="certificate that the service shows to it, in PEM")
    ] = ""
    forward_key_file: Annotated[str, Meta(description="its private key, in PEM")] = ""
    forward_headers: Annotated[
        str,
        Meta(
            description="headers that are sent to it, as `key=value,key2=value2`; no flag",
            extra=SECRET,
        ),
    ] = ""
    metrics: Annotated[
        str,
        Meta(description="address for metrics in Prometheus' text format, at /metrics; empty: off"),
    ] = "127.0.0.1:8888"
    health: Annotated[
        str, Meta(description="address that says whether the service takes requests; empty: off")
    ] = "127.0.0.1:13133"
    log_format: Annotated[
        LogFormat, Meta(description="lines of the log: `text`, or `json` with an object each")
    ] = "text"
    log_level: Annotated[
        LogLevel, Meta(description="what is logged: `debug`, `info`, `warning` or `error`, and up")
    ] = "info"
    budget_usd: Annotated[
        Usd,
        Meta(description="what a trace may cost; 50, 75 and 100 % are told of; 0: no budget"),
    ] = 0.0
    session_budget_usd: Annotated[
        Usd, Meta(description="what all traces of a session may cost together; 0: no budget")
    ] = 0.0
    budget_webhook: Annotated[
        str,
        Meta(
            description="URL that this is posted to as JSON, see docs/budgets.md; no flag",
            extra=SECRET,
        ),
    ] = ""
    budget_webhook_headers: Annotated[
        str,
        Meta(
            description="headers that are sent to it, as `key=value,key2=value2`; no flag",
            extra=SECRET,
        ),
    ] = ""
    own_traces: Annotated[
        str,
        Meta(
            description="OTLP URL that spans of the service's own work go to; empty: there are none"
        ),
    ] = ""

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in FIELDS if not is_secret(name))
        return f"Settings({', '.join(shown)})"


FIELDS: dict[str, Any] = get_type_hints(Settings, include_extras=True)
"""Name of each setting -> its annotated type."""


def describe(name: str) -> str:
    """What a setting means."""
    return next(meta.description or "" for meta in FIELDS[name].__metadata__ if meta.description)


def is_secret(name: str) -> bool:
    """Whether the value of a setting must not be shown."""
    return any(meta.extra == SECRET for meta in FIELDS[name].__metadata__)


def default(name: str) -> Any:
    """The default of a setting."""
    return getattr(Settings(), name)


def load_settings(
    given: Mapping[str, Any] | None = None,
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """The settings in force.

    Args:
        given: flags or keyword arguments, as text or typed; ``None`` values are not given.
        file: settings file in YAML.
        environment: instead of ``os.environ``.

    Raises:
        ConfigError: a setting is unknown, or its value is impossible; the message names it.
    """
    values: dict[str, Any] = {}
    if file is not None:
        for name, value in load_yaml(file, dict[str, Any], ConfigError).items():
            values[name] = _convert(name, value, f"{file}: $.{name}")
    env = os.environ if environment is None else environment
    for name in FIELDS:
        if text := env.get(PREFIX + name.upper()):
            values[name] = _convert(name, text, PREFIX + name.upper())
    for name, value in (given or {}).items():
        if value is not None:
            values[name] = _convert(name, value, name)
    return Settings(**values)


def _convert(name: str, value: Any, where: str) -> Any:
    if name not in FIELDS:
        msg = f"{where}: unknown setting {name!r}; there are: {', '.join(FIELDS)}"
        raise ConfigError(msg)
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, str) and isinstance(default(name), tuple):
        value = [item.strip() for item in value.split(",") if item.strip()]
    try:
        return msgspec.convert(value, FIELDS[name], strict=False)
    except msgspec.ValidationError as e:
        words = get_args(get_args(FIELDS[name])[0]) if _is_word(name) else ()
        shown = "not shown" if is_secret(name) else repr(value)
        msg = f"{where} is {shown}: {e}" + (f"; it is one of {', '.join(words)}" if words else "")
        raise ConfigError(msg) from e


def _is_word(name: str) -> bool:
    return get_origin(get_args(FIELDS[name])[0]) is Literal
