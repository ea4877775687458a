"""What says of calls that they repeat an earlier one: ours, and those that it is compared with.

Each gives the calls that it flags, as (trace id, span id).
"""

Flagged = frozenset[tuple[str, str]]
