"""Every error that this package raises.

ClawTraceError
  ConfigError    a setting or a settings file is wrong
  PriceError     a price file is wrong
  DecodeError    bytes are not the OTLP message that they are said to be
  CardError      a file is not a valid TraceCard
  JournalError   the journal cannot be opened, read or written
    JournalDamagedError   its file is damaged
  CostCraftError    runs, a skill, patches or tasks cannot be used
  EngineError    a cluster cannot be used for what it is asked to do

A message says what is wrong, quotes the value, says where (path to the key, file, span id) and what
to do about it. Errors inside an instrumented agent are logged and counted, never raised into it.
"""


class ClawTraceError(Exception):
    """The base of all errors of this package."""


class ConfigError(ClawTraceError):
    """A setting is unknown, has the wrong type or an impossible value."""


class PriceError(ClawTraceError):
    """A price file cannot be read or has an entry that makes no sense."""


class DecodeError(ClawTraceError):
    """Bytes could not be decoded as OTLP."""


class CardError(ClawTraceError):
    """A file is not a TraceCard that its JSON Schema accepts."""


class JournalError(ClawTraceError):
    """The journal cannot be opened, read or written."""


class JournalDamagedError(JournalError):
    """The journal's file is damaged. The next start saves what can be read."""


class CostCraftError(ClawTraceError):
    """A run, a skill, a file of patches or of tasks cannot be read or used."""


class EngineError(ClawTraceError):
    """A cluster cannot be reached, or its workers have other versions or see other files."""
