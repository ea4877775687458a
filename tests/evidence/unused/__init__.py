"""Results that ``unused_result`` calls unused, read by hand: ``labels.csv``, a row a step.

All of tau2's runs were read, tools configured. A result was used if what the agent said or did next
rests on it, though it repeats no word of it. The reasons hold nothing of the run but its subject.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, cast, get_args

from clawtrace_otel.costcraft.gates.context import StepName

FILE = Path(__file__).with_name("labels.csv")

Label = Literal["used", "not used", "cannot tell"]


def labels(path: Path = FILE) -> Mapping[StepName, Label]:
    """What a reader said of each step.

    Raises:
        ValueError: a row is not as it should be, or a step has two.
    """
    found: dict[StepName, Label] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, strict=True):
            name = row["trace_id"], int(row["step"])
            if name in found or row["label"] not in get_args(Label) or not row["reason"]:
                msg = f"{path}: {row}"
                raise ValueError(msg)
            found[name] = cast("Label", row["label"])
    return found
