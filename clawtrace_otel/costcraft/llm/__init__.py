"""The analyst ``llm``: a model reads runs and proposes patches; the same gates judge them."""
