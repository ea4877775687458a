"""Bearer tokens: who may send. Source: RFC 6750, section 2.1.

Only digests are kept, and every known digest is compared in constant time, so that the time of an
answer tells nothing about the tokens. No token is ever in a log line or an error.
"""

import hmac
import logging
import os
import re
import stat
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from clawtrace_otel.collector.security.file_watch import FileWatch
from clawtrace_otel.errors import ClawTraceError, ConfigError

_log = logging.getLogger(__name__)

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""What a bearer token may consist of: RFC 6750's ``b64token``."""

_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE)


class UnauthenticatedError(ClawTraceError):
    """A request has no token, or one that is not known."""


class Tokens:
    """The tokens of a file, of the settings, or of both. The file is read again when it changes.

    Args:
        file: a line each: name, white space, token; ``#`` starts a comment.
        given: ``name:token`` or a token alone.

    Raises:
        ConfigError: the file cannot be read, has a line that makes no sense, or has no token.
    """

    def __init__(self, file: Path | None, given: Iterable[str] = ()) -> None:
        self._given = _parse_given(given)
        self._file = file
        self._watch = FileWatch([file] if file else [])
        self._known = dict(self._given)
        if file:
            self._known |= _read(file, self._given)
            _warn_of_mode(file)

    def identify(self, authorization: str | None) -> str:
        """The name of the sender.

        Args:
            authorization: the header of this name.

        Raises:
            UnauthenticatedError: it is not there, no ``Bearer <token>``, or nobody's.
        """
        self._refresh()
        match = _BEARER.fullmatch((authorization or "").strip())
        if match is None:
            msg = "a token is needed: send the header 'Authorization: Bearer <token>'"
            raise UnauthenticatedError(msg)
        sent, found = _digest(match[1]), ""
        for name, digest in self._known.items():
            if hmac.compare_digest(sent, digest):
                found = name  # no early end: the time must not tell which it was
        if not found:
            msg = "the token is not known"
            raise UnauthenticatedError(msg)
        return found

    def _refresh(self) -> None:
        if self._file is None or not self._watch.changed():
            return
        try:
            self._known = self._given | _read(self._file, self._given)
        except ConfigError as e:
            _log.error("%s; the tokens read before stay in force", e)
            return
        _log.info("%d tokens in force after %s changed", len(self._known), self._file)
        _warn_of_mode(self._file)


def make_tokens(file: str, given: Iterable[str]) -> Tokens | None:
    """The tokens of the settings; ``None`` if there are none, and everyone may send.

    Raises:
        ConfigError: see :class:`Tokens`.
    """
    listed = tuple(given)
    return Tokens(Path(file) if file else None, listed) if file or listed else None


def _parse_given(given: Iterable[str]) -> dict[str, bytes]:
    known: dict[str, bytes] = {}
    for n, item in enumerate(given, 1):
        name, colon, token = item.partition(":")
        name, token = (name.strip(), token.strip()) if colon else (f"token-{n}", item.strip())
        _put(known, name, token, f"tokens, entry {n}")
    return known


def _read(file: Path, taken: Mapping[str, bytes]) -> dict[str, bytes]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        reason = e.strerror if isinstance(e, OSError) else "it is not UTF-8"
        msg = f"tokens_file {file} cannot be read: {reason}"
        raise ConfigError(msg) from None
    known = dict(taken)
    for n, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) != 2:
            msg = f"tokens_file {file}, line {n}: it must be a name and a token"
            raise ConfigError(msg)
        _put(known, words[0], words[1], f"tokens_file {file}, line {n}")
    if len(known) == len(taken):
        msg = f"tokens_file {file} has no token; a line is a name and a token"
        raise ConfigError(msg)
    return known


def _put(known: dict[str, bytes], name: str, token: str, where: str) -> None:
    if not name or not _TOKEN.fullmatch(token):
        msg = f"{where}: no name, or a token with characters that no bearer token may have"
        raise ConfigError(msg)
    if name in known:
        msg = f"{where}: the name {name!r} is there twice"
        raise ConfigError(msg)
    known[name] = _digest(token)


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogateescape")).digest()


def _warn_of_mode(file: Path) -> None:
    try:
        mode = file.stat().st_mode if os.name == "posix" else 0
    except FileNotFoundError:
        return  # replaced at this moment; the next look finds the new one
    if mode & stat.S_IROTH:
        _log.warning("tokens_file %s can be read by everyone on this machine: chmod 600", file)
