"""JSON, or JSON lines, with something in it exchanged, left out or repeated."""

import json

from tests.fuzz.choices import Choices, chance, pick
from tests.fuzz.values import NAMES, value


def mutated(choices: Choices, data: bytes) -> bytes | None:
    """``data`` with at most three changes; ``None`` if it is no JSON."""
    lines = data.split(b"\n")
    at = choices.integer(0, len(lines) - 1)
    for first, last in ((0, len(lines)), (at, at + 1)):  # one document, or a line of many
        try:
            document = json.loads(b"\n".join(lines[first:last]))
        except (ValueError, RecursionError):
            continue
        for _ in range(choices.integer(1, 3)):
            document = _changed(choices, document)
        return b"\n".join([*lines[:first], _dumped(document), *lines[last:]])
    return None


def _dumped(document: object) -> bytes:
    return json.dumps(document, default=repr).encode()


def _changed(choices: Choices, document: object) -> object:
    holder = document
    if not isinstance(holder, dict | list) or not holder:
        return value(choices)
    while True:
        places: list[tuple[object, object]] = list(
            holder.items() if isinstance(holder, dict) else enumerate(holder)
        )
        key, inner = pick(choices, places)
        if not isinstance(inner, dict | list) or not inner or chance(choices, 15):
            break
        holder = inner
    if isinstance(holder, dict):
        _change_object(choices, holder, str(key))
    elif isinstance(key, int):
        _change_list(choices, holder, key)
    return document


def _change_object(choices: Choices, holder: dict[str, object], key: str) -> None:
    kind = choices.integer(0, 5)
    if kind == 0:
        del holder[key]
    elif kind == 1:
        holder[pick(choices, list(holder))] = holder[key]
    elif kind == 2:
        holder[pick(choices, NAMES)] = holder.pop(key)
    else:
        holder[key] = value(choices)


def _change_list(choices: Choices, holder: list[object], at: int) -> None:
    kind = choices.integer(0, 5)
    if kind == 0:
        del holder[at]
    elif kind == 1:
        holder.insert(choices.integer(0, len(holder)), holder[at])
    else:
        holder[at] = value(choices)
