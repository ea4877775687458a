"""Patches for tests: a small example that says everything once, and any patches at all."""

from hypothesis import strategies as st

from clawtrace_otel.costcraft.model import (
    SECTIONS,
    Contrast,
    Net,
    Patch,
    PatchFile,
    Pattern,
    Rule,
    Source,
    StepRef,
    Support,
)

AIRLINE = "0af7651916cd43dd8448eb211c80319c"
REFUND = "4bf92f3577b34da6a3ce929d0e0e4736"
FAILED = "5e107d9d372bb6826bd81d3542a419d6"

_ODD = [
    "",
    "yes",
    "~",
    "2026-01-01",
    "12:30:45",
    "1_000",
    "0x1f",
    "=",
    "<<",
    "- a",
    "a: b",
    "#",
    "n",
]
_MARKUP = [
    "<script>alert(1)</script>",
    "</details>",
    "a | b",
    "`x`",
    "**x**",
    "[x](http://y)",
    "&lt;",
]
_LINES = [
    "two\nlines",
    "\x85\u2028",
    "\x00\x1b[31m",
    "\ufeff",
    "\u202eleft",
    "é ü 漢字 🙂",
    "\\",
    "\"'",
]
odd_texts = st.sampled_from([*_ODD, *_MARKUP, *_LINES]) | st.text(max_size=12)
_names = odd_texts.filter(bool)
_usd = st.floats(0, 1e6)
_share = st.floats(0, 1)
_counts = st.integers(0, 5000)
_trace_ids = st.sampled_from([AIRLINE, REFUND, FAILED, "0" * 32, "1" * 32, "12345678" * 4])


def _intervals(ends: st.SearchStrategy[float]) -> st.SearchStrategy[tuple[float, float]]:
    return st.tuples(ends, ends).map(lambda pair: (min(pair), max(pair)))


steps = st.builds(
    StepRef,
    trace_id=_trace_ids,
    n=st.integers(1, 900),
    saves_usd=st.none() | _intervals(_usd),
    check=odd_texts,
    passed=st.none() | st.booleans(),
)
_supports = st.builds(
    Support,
    runs=_counts,
    of=_counts,
    tasks=_counts,
    interval=st.none() | _intervals(_share),
)
_contrasts = st.builds(
    Contrast,
    tasks=_counts,
    passed_with=_counts,
    passed=_counts,
    failed_with=_counts,
    failed=_counts,
    p_value=_share,
)
patches = st.builds(
    Patch,
    id=_names,
    action=st.sampled_from(["preserve", "prune", "repair"]),
    rule=odd_texts,
    section=st.sampled_from(SECTIONS),
    analyst=st.sampled_from(["rules", "llm"]),
    pattern=st.builds(Pattern, miner=odd_texts, tool=odd_texts, detail=odd_texts),
    rung=st.sampled_from(["proxy", "dependency", "replayed"]),
    support=_supports,
    saves_usd_per_run=st.none() | _intervals(_usd),
    counterfactual=odd_texts,
    contrast=st.none() | _contrasts,
    oracle=st.lists(odd_texts, max_size=2),
    rejected=st.just("") | odd_texts,
    steps=st.lists(steps, max_size=7),
    counter_evidence=st.lists(steps, max_size=2),
)
_rules = st.builds(
    Rule, text=odd_texts, section=st.sampled_from(SECTIONS), patches=st.lists(_names, max_size=2)
)
_nets = st.builds(
    Net,
    skill_tokens=_counts,
    turns=st.floats(0, 100),
    rate_usd=st.none() | st.floats(0, 1),
    costs_usd=st.none() | st.floats(0, 10),
    saves_usd=st.none() | _intervals(_usd),
    net_usd=st.none() | _intervals(st.floats(-10, 10)),
    break_even_turns=st.none() | _intervals(st.floats(0, 1e6)),
)
_sources = st.builds(
    Source,
    runs=_counts,
    tasks=_counts,
    passed=_counts,
    failed=_counts,
    unknown=_counts,
    cost_usd=st.none() | _usd,
    unpriced=_counts,
    recorded=_counts,
)
patch_files = st.builds(
    PatchFile,
    source=_sources,
    options=st.lists(odd_texts, max_size=2),
    net=st.none() | _nets,
    rules=st.lists(_rules, max_size=3),
    conflicts=st.lists(odd_texts, max_size=2),
    problems=st.lists(odd_texts, max_size=2),
    patches=st.lists(patches, max_size=4),
)


def example() -> PatchFile:
    """Three accepted patches, of all actions and rungs, and three rejected ones."""
    return PatchFile(
        source=Source(
            runs=40,
            tasks=20,
            passed=21,
            failed=16,
            unknown=3,
            cost_usd=4.25,
            unpriced=2,
            recorded=40,
        ),
        net=Net(
            skill_tokens=180,
            turns=14.0,
            rate_usd=1.25e-7,
            costs_usd=0.000315,
            saves_usd=(0.0014, 0.0061),
            net_usd=(0.001085, 0.005785),
            break_even_turns=(62.2, 271.1),
        ),
        rules=[
            Rule(
                text="Read a reservation once; its details do not change until you change them.",
                section="Cost control",
                patches=["prune-repeated-get_reservation_details"],
            ),
            Rule(
                text="When `book_reservation` fails on the amount, sum the fares first.",
                section="Workflow",
                patches=["repair-book_reservation-amount"],
            ),
            Rule(
                text="Look the user up before anything else.",
                section="Workflow",
                patches=["preserve-user-first"],
            ),
        ],
        conflicts=[
            "preserve-check-twice contradicts prune-repeated-get_reservation_details: dropped"
        ],
        problems=["runs/broken.json: no JSON at byte 17"],
        patches=[_prune(), _repair(), _preserve(), *_rejected()],
    )


def _prune() -> Patch:
    return Patch(
        id="prune-repeated-get_reservation_details",
        action="prune",
        rule="Read a reservation once; its details do not change until you change them.",
        section="Cost control",
        pattern=Pattern(miner="repeated_call", tool="get_reservation_details"),
        rung="replayed",
        support=Support(runs=14, of=40, tasks=9, interval=(0.2213, 0.5049)),
        saves_usd_per_run=(0.0014, 0.0061),
        counterfactual="the same call had given the same result; nothing was written in between",
        steps=[
            StepRef(
                trace_id=AIRLINE,
                n=number,
                saves_usd=(0.0001 * number, 0.001 * number),
                check="equal",
                passed=True,
            )
            for number in range(7, 14)
        ],
        counter_evidence=[
            StepRef(
                trace_id=REFUND, n=9, saves_usd=(0.0001, 0.002), check="its result was used later"
            )
        ],
    )


def _repair() -> Patch:
    return Patch(
        id="repair-book_reservation-amount",
        action="repair",
        rule="When `book_reservation` fails on the amount, sum the fares first.",
        section="Workflow",
        analyst="llm",
        pattern=Pattern(miner="repaired_call", tool="book_reservation", detail="payment amount"),
        rung="dependency",
        support=Support(runs=3, of=40, tasks=3, interval=(0.0258, 0.1986)),
        oracle=["payment amount does not add up, total price is 305"],
        steps=[StepRef(trace_id=FAILED, n=4, check="failed; mended by step 6", passed=False)],
    )


def _preserve() -> Patch:
    return Patch(
        id="preserve-user-first",
        action="preserve",
        rule="Look the user up before anything else.",
        section="Workflow",
        pattern=Pattern(miner="ordering", tool="get_user_details"),
        support=Support(runs=19, of=40, tasks=12, interval=(0.3294, 0.625)),
        contrast=Contrast(
            tasks=8, passed_with=12, passed=13, failed_with=4, failed=11, p_value=0.0085
        ),
        steps=[StepRef(trace_id=AIRLINE, n=1, check="first call", passed=True)],
    )


def _rejected() -> list[Patch]:
    reasons = [
        "one run alone shows it",
        "one run alone shows it",
        "the base skill says so already",
    ]
    return [
        Patch(
            id=f"prune-{number}",
            action="prune",
            rule=f"Rule {number} | with <b>odd</b> signs.",
            section="Cost control",
            pattern=Pattern(miner="thinking_only", tool="<script>alert(1)</script>"),
            support=Support(runs=1, of=40, tasks=1, interval=(0.0044, 0.1288)),
            saves_usd_per_run=(0.0, 0.0002),
            rejected=reason,
            steps=[StepRef(trace_id=REFUND, n=number)],
        )
        for number, reason in enumerate(reasons, 1)
    ]
