"""The folder that cards are written to."""

import os
import time
from pathlib import Path

from clawtrace_otel.exporters.card_folder import CardFolder
from clawtrace_otel.storage.local import LEFTOVER_SECONDS


def test_what_a_killed_process_left_is_removed_but_not_what_another_writes_now(
    tmp_path: Path,
) -> None:
    old, new = tmp_path / ".a.yaml.1.tmp", tmp_path / ".b.yaml.2.tmp"
    for path in (old, new):
        path.write_text("half a card")
    long_ago = time.time() - LEFTOVER_SECONDS - 10
    os.utime(old, (long_ago, long_ago))
    CardFolder(tmp_path).check()
    assert [path.name for path in tmp_path.iterdir()] == [new.name]
