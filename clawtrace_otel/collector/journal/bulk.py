"""PostgreSQL's statements for many traces at once: a way to the server and back is dear.

Parameters are columns: an array for each, of as many values as there are rows.
"""

from collections.abc import Iterable

# The last part of each trace, doubled, and 1 more if it was removed.
LAST_PARTS = "SELECT trace, MAX(2 * part + removed) FROM traces WHERE trace = ANY(?) GROUP BY trace"

# Rows are locked in the order of the SELECT. A part that is full, would be overfull or was removed
# is left alone, and gives no row.
ADD = """
INSERT INTO traces(trace, part, steps)
SELECT trace, part, steps FROM unnest(?::bytea[], ?::int[], ?::bigint[]) AS new(trace, part, steps)
WHERE steps <= ? ORDER BY trace
ON CONFLICT(trace, part) DO UPDATE
SET changes = traces.changes + 1, steps = traces.steps + excluded.steps
WHERE traces.removed = 0 AND traces.steps < ? AND traces.steps + excluded.steps <= ?
RETURNING trace, part, changes, closed
"""

DELIVER = """
INSERT INTO deliveries(trace, part, number, data)
SELECT * FROM unnest(?::bytea[], ?::int[], ?::bigint[], ?::bytea[])
"""

SINCE = """
SELECT d.trace, d.number, d.data
FROM unnest(?::bytea[], ?::int[], ?::bigint[]) AS known(trace, part, number)
JOIN deliveries AS d ON d.trace = known.trace AND d.part = known.part AND d.number > known.number
ORDER BY d.trace, d.number
"""


def columns(rows: Iterable[tuple[object, ...]]) -> list[list[object]]:
    """Rows of values as columns."""
    return [list(column) for column in zip(*rows, strict=True)]
