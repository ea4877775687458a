"""URLs of places where cards are, checked and told apart from paths."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from clawtrace_otel.errors import ConfigError

Where = Path | str
"""A path, or a URL. A ``Path`` is always a path: it would lose a slash of ``s3://``."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(/{0,2})")
"""Two letters at least: ``C:`` is a drive."""

_LOCAL = ("file", "local")

_NEEDS_NAME = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss", "oci"})
"""Schemes whose URL begins with the name of a bucket or container."""


@dataclass(frozen=True, slots=True)
class RemoteUrl:
    """A place that is not a folder of this machine.

    Attributes:
        scheme: of the URL, in lower case.
        text: the URL without a slash at its end. It has no password in it.
    """

    scheme: str
    text: str


def parse_where(where: Where) -> Path | RemoteUrl:
    """A path or a checked URL; ``file://`` becomes a path.

    Raises:
        ConfigError: it is a URL that cannot be used. No password of it is in the message.
    """
    found = None if isinstance(where, Path) else _SCHEME.match(where)
    if isinstance(where, str) and "://" in where and (found is None or "::" in where):
        msg = "cards is neither a path nor a URL, which is SCHEME://BUCKET/PREFIX"
        raise ConfigError(msg)
    if isinstance(where, Path) or found is None:
        return _checked_path(Path(where))
    scheme, slashes = found[1].lower(), found[2]
    if slashes != "//":
        return _checked_path(Path(where))
    return _parse_url(scheme, where)


def _checked_path(path: Path) -> Path:
    """A path that is none of ``s3:/bucket``, which is what became of a URL."""
    found = _SCHEME.match(path.as_posix())
    if found and found[2] == "/":
        msg = f"cards is {str(path)!r}: a URL begins with {found[1]}://"
        raise ConfigError(msg)
    return path


def _parse_url(scheme: str, text: str) -> Path | RemoteUrl:
    shown = f"cards is a URL of scheme {scheme!r}"
    try:
        parts = urlsplit(text)
        password = parts.password
    except ValueError as e:
        msg = f"{shown}: {e}"
        raise ConfigError(msg) from None
    if password is not None or parts.query or parts.fragment:
        msg = (
            f"{shown} with a password, a query or a fragment in it, which is not shown; "
            "credentials come from the environment, see docs/storage.md"
        )
        raise ConfigError(msg)
    if scheme in _LOCAL and parts.netloc not in ("", "localhost"):
        msg = f"cards is {text!r}, which is on another machine; it is {scheme}:///PATH"
        raise ConfigError(msg)
    if scheme in _LOCAL:
        return Path(url2pathname(parts.path) if scheme == "file" else parts.path)
    if scheme in _NEEDS_NAME and not parts.netloc:
        msg = f"cards is {text!r}, which names no bucket; it is {scheme}://BUCKET/PREFIX"
        raise ConfigError(msg)
    return RemoteUrl(scheme, scheme + text[len(scheme) :].rstrip("/"))
