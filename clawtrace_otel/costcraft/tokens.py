"""How many tokens a text has at most, without a tokenizer.

Not all models have a published one, and the published ones must be fetched. A token of English
prose or of identifiers is about four bytes in the vocabularies of today; a token for three bytes is
more than any of them makes of such a text. It is a bound, and said to be one: what is said to fit
does fit, and what a skill costs by being read is not understated.
"""

BYTES_PER_TOKEN = 3


def count_tokens(text: str) -> int:
    """An upper bound for the tokens of a text."""
    return -(-len(text.encode()) // BYTES_PER_TOKEN)
