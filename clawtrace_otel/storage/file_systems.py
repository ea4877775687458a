"""fsspec's file systems: found by scheme, opened with what suits small files and a service."""

import os
from collections.abc import Callable
from typing import Any, NamedTuple

from clawtrace_otel.errors import ConfigError
from clawtrace_otel.storage.urls import RemoteUrl

_EXTRA = "'clawtrace-otel[s3]'"

_PACKAGES = {
    "s3": _EXTRA,
    "s3a": _EXTRA,
    "gs": "fsspec gcsfs",
    "gcs": "fsspec gcsfs",
    "az": "fsspec adlfs",
    "abfs": "fsspec adlfs",
    "abfss": "fsspec adlfs",
    "oci": "fsspec ocifs",
    "oss": "fsspec ossfs",
    "sftp": "fsspec paramiko",
    "ssh": "fsspec paramiko",
    "smb": "fsspec smbprotocol",
    "webdav": "fsspec webdav4",
}
"""What ``pip install`` needs for a scheme."""

_WHOLE = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss", "oci", "memory"})
"""Schemes of object stores, and of fsspec's memory."""

_S3_CONFIG = {
    "connect_timeout": 5,
    "read_timeout": 10,
    "max_pool_connections": 32,
    "retries": {"mode": "standard", "total_max_attempts": 3},
}
"""For botocore. More tries are the caller's: a card that could not be written is tried again."""


class Opened(NamedTuple):
    """A file system and a folder in it.

    Attributes:
        files: of fsspec; an asynchronous one works on ``io_loop``.
        path: of the folder.
    """

    files: Any
    path: str
    is_async: bool


def check_scheme(url: RemoteUrl) -> None:
    """Import what a scheme needs.

    Raises:
        ConfigError: fsspec does not know the scheme, or packages are missing.
    """
    _class_of(url.scheme)


def is_object_store(url: RemoteUrl) -> bool:
    """Whether a file appears whole or not at all, and needs no folder that was made before."""
    return url.scheme in _WHOLE


def open_files(url: RemoteUrl) -> Opened:
    """Open the file system of a URL anew, with no memory of what was listed before.

    Raises:
        ConfigError: as :func:`check_scheme`.
    """
    kind = _class_of(url.scheme)
    from fsspec.asyn import AsyncFileSystem
    from fsspec.core import url_to_fs

    from clawtrace_otel.storage.io_loop import io_loop

    options: dict[str, Any] = {"skip_instance_cache": True}
    is_async = issubclass(kind, AsyncFileSystem)
    if is_async:
        options |= {"loop": io_loop(), "use_listings_cache": False}
    if url.scheme in ("s3", "s3a"):
        options["config_kwargs"] = _S3_CONFIG | _configured("config_kwargs")
    files, path = url_to_fs(url.text, **options)
    if hasattr(files, "close_session"):
        files.close_session = _only_here(files.close_session)
    return Opened(files, path.rstrip("/"), is_async)


def _only_here(close: Callable[..., None]) -> Callable[..., None]:
    """Nothing of it in a forked child: it would take connections from under its parent."""
    pid = os.getpid()

    def close_here(*arguments: object) -> None:
        if os.getpid() == pid:
            close(*arguments)

    return close_here


def _class_of(scheme: str) -> type:
    try:
        from fsspec.registry import get_filesystem_class
    except ModuleNotFoundError as e:
        raise ConfigError(_missing(scheme, e)) from e
    try:
        kind: type = get_filesystem_class(scheme)
    except ImportError as e:
        raise ConfigError(_missing(scheme, e)) from e
    except ValueError as e:
        known = ", ".join(f"{name}://" for name in ("s3", "gs", "az"))
        msg = (
            f"cards is a URL of scheme {scheme!r}, which fsspec does not know; there are {known} …"
        )
        raise ConfigError(msg) from e
    return kind


def _missing(scheme: str, error: ImportError) -> str:
    packages = _PACKAGES.get(scheme, "fsspec")
    return f"{scheme}:// needs more packages ({error}): pip install {packages}"


def _configured(option: str) -> dict[str, Any]:
    """What the user told fsspec about S3, in its file or by FSSPEC_S3."""
    from fsspec.config import conf

    found = conf.get("s3", {}).get(option, {})
    return found if isinstance(found, dict) else {}
