"""Reading YAML that people write: safe loader, typed, with the path to what is wrong."""

from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

T = TypeVar("T")

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's loader where PyYAML was built with it."""


def load_yaml(path: Path, kind: type[T], error: type[Exception]) -> T:
    """The file at ``path`` as ``kind``.

    Raises:
        error: the file cannot be read, is no YAML, or does not fit ``kind``; the message names the
            file and the path to the key, such as ``$.models[2].input``.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        msg = f"cannot read {path}: {e}"
        raise error(msg) from e
    try:
        return msgspec.convert(yaml.load(text, Loader) or {}, kind, strict=False)
    except (yaml.YAMLError, msgspec.ValidationError, ValueError, RecursionError) as e:
        msg = f"{path}: {e}"
        raise error(msg) from e
