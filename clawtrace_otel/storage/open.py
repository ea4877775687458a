"""A store by its path or URL. fsspec is imported for URLs alone."""

from pathlib import Path

from clawtrace_otel.storage.interface import Store
from clawtrace_otel.storage.local import LocalStore
from clawtrace_otel.storage.urls import Where, parse_where


def open_store(where: Where) -> Store:
    """The store at a path or URL. Nothing is asked of it yet.

    Raises:
        ConfigError: the URL cannot be used, or packages for its scheme are missing.
    """
    parsed = parse_where(where)
    if isinstance(parsed, Path):
        return LocalStore(parsed)
    from clawtrace_otel.storage.remote import RemoteStore

    return RemoteStore(parsed)
