"""How many tokens a text has, counted without a tokenizer: three bytes a token.

Not all models have a published tokenizer, and the published ones must be fetched, so a limit would
depend on the machine. Prose such as rules has four bytes and more a token, so of a skill this is an
upper bound, and what it costs to be read is not understated. Texts that are mostly tables of
numbers and ids may have an eighth more (``docs/decisions/0028-costcraft.md``).
"""

BYTES_PER_TOKEN = 3


def count_tokens(text: str) -> int:
    """The tokens of a text: of prose, at most."""
    return -(-len(text.encode()) // BYTES_PER_TOKEN)
