"""What a reader said of the drawn pairs: ``labels.csv``, a row a pair.

The rows say which pair is meant and why it was labelled so, in words that hold nothing of the run.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from tests.evidence.pairs.draw import Key

FILE = Path(__file__).with_name("labels.csv")

Said = Literal["redundant", "not redundant", "cannot tell"]


@dataclass(frozen=True, slots=True)
class Label:
    """What was said of a pair.

    Attributes:
        said: whether its second call was redundant.
        close: another reader may well say otherwise.
        reason: in a few words.
    """

    said: Said
    close: bool
    reason: str

    @property
    def redundant(self) -> bool:
        """Whether an agent that remembers the first call would have lost nothing."""
        return self.said == "redundant"


def labels(path: Path = FILE) -> Mapping[Key, Label]:
    """The labels by pair, in the order of the file.

    Raises:
        ValueError: a row is not as it should be, or a pair has two.
    """
    found: dict[Key, Label] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, strict=True):
            key = Key(row["file"], row["trace_id"], int(row["first"]), int(row["second"]))
            if (
                key in found
                or row["label"] not in get_args(Said)
                or row["close"] not in ("yes", "")
            ):
                msg = f"{path}: {row}"
                raise ValueError(msg)
            said = cast("Said", row["label"])
            found[key] = Label(said, row["close"] == "yes", row["reason"])
    return found
