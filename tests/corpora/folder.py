"""Where the recorded runs are, and the marks of tests that read them."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORPORA = ROOT.parent / "shared" / "corpora"

reads_corpora = [
    pytest.mark.corpora,
    pytest.mark.skipif(
        not CORPORA.is_dir(), reason="the recorded agent runs are not in ../shared/corpora"
    ),
]
