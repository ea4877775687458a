"""Which format a file is of, whatever stands where its type should."""

import json
from pathlib import Path

import pytest

from clawtrace_otel.importers.registry import recognise

ODD = [None, True, 7, 0.5, ["user"], {"user": 1}]


@pytest.mark.parametrize("kind", ODD)
def test_a_file_whose_type_is_no_text_is_of_no_known_format(tmp_path: Path, kind: object) -> None:
    path = tmp_path / "a.jsonl"
    record = {"type": kind, "sessionId": "s", "sessionKey": "k", "id": "i", "timestamp": 1}
    path.write_text(json.dumps(record))
    assert recognise(path) is None
