"""``python -m tests.conformance [PYTEST OPTIONS]``: the suite, and what holds of each point.

Without options our own service is looked at. ``--otlp-grpc``, ``--otlp-http``, ``--sink-port`` and
``--request-limit`` point it at another receiver; docs/conformance.md shows how.
"""

import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent

if __name__ == "__main__":
    quiet = ["-q", "--tb=no", "-rN", "-p", "no:cacheprovider", "--points"]
    sys.exit(pytest.main([str(FOLDER), *quiet, *sys.argv[1:]]))
