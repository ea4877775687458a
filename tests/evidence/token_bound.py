"""How far our count of tokens is from real tokenizers, over Markdown files.

    pip install rs-bpe==0.1.0 && python -m tests.evidence.token_bound docs README.md

It is no dependency: the vocabularies that it brings take 25 MB.
"""

import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from clawtrace_otel.costcraft.tokens import count_tokens

VOCABULARIES = ("cl100k_base", "o200k_base")


def main(places: Sequence[str]) -> None:
    """Print a line for each vocabulary."""
    openai = import_module("rs_bpe.bpe").openai
    texts = [path.read_text(encoding="utf-8") for place in places for path in _markdown(place)]
    for name in VOCABULARIES:
        encoder = getattr(openai, name)()
        counts = [(len(encoder.encode(text)), text) for text in texts if text]
        mean = sum(len(text.encode()) for _, text in counts) / sum(n for n, _ in counts)
        shares = sorted(n / count_tokens(text) for n, text in counts)
        print(
            f"{name}: {len(counts)} files, {mean:.2f} bytes a token; of our count they have "
            f"{shares[0]:.2f} to {shares[-1]:.2f}, median {shares[len(shares) // 2]:.2f}"
        )


def _markdown(place: str) -> Iterator[Path]:
    path = Path(place)
    yield from sorted(path.rglob("*.md")) if path.is_dir() else [path]


if __name__ == "__main__":
    main(sys.argv[1:])
