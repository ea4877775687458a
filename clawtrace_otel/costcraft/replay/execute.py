"""Plays a run as it was recorded, then without each of some steps, and without all of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from clawtrace_otel.costcraft.replay.interface import (
    Answer,
    Environment,
    Episode,
    Played,
    RecordedCall,
)
from clawtrace_otel.costcraft.replay.record import Deletion, ReplayedRun, Replays
from clawtrace_otel.errors import CostCraftError
from clawtrace_otel.semconv.masking import mask
from clawtrace_otel.tracecard.lines import clean

_SHOWN_CHARS = 60
_LOOKED_AT = 4096
"""Characters in which secrets are looked for: one that is cut in half is no longer found."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done with a run.

    Attributes:
        episode: the run.
        steps: numbers of the steps to delete, each that of a call; ascending.
        known: deletions that were executed before.
    """

    episode: Episode
    steps: tuple[int, ...]
    known: tuple[Deletion, ...] = ()


def replay(environment: Environment, work: Work) -> Replays:
    """Execute deletions of one run: each alone, then together those that alone changed nothing.

    A run that does not reproduce has no deletions: what they would show is not known.
    """
    episode = work.episode
    try:
        played = environment.play(episode)
        why = _difference_from_record(environment, episode, played)
        run = _run(environment, episode, played, why)
        deletions = [] if why else list(_deletions(environment, work, played))
    except CostCraftError as e:
        return Replays(runs=[_run(environment, episode, None, str(e))])
    except Exception as e:  # one run that nobody thought of must not end a batch of thousands
        why = f"playing it failed, which is a fault of ours: {e!r}"
        return Replays(runs=[_run(environment, episode, None, why)])
    return Replays(runs=[run], deletions=deletions)


def _deletions(environment: Environment, work: Work, whole: Played) -> Iterator[Deletion]:
    known = {deletion.steps: deletion for deletion in work.known}
    harmless = []
    for n in work.steps:
        alone = known.get((n,)) or _delete(environment, work.episode, whole, (n,))
        if alone.unchanged:
            harmless.append(n)
        if (n,) not in known:
            yield alone
    together = tuple(harmless)
    if len(together) > 1 and together not in known:
        yield _delete(environment, work.episode, whole, together)


def _run(
    environment: Environment, episode: Episode, played: Played | None, why: str
) -> ReplayedRun:
    return ReplayedRun(
        trace_id=episode.trace_id,
        environment=environment.version(),
        world=episode.world,
        task=episode.task,
        calls=len(episode.calls),
        reproduced=not why,
        why=why,
        verdict=dict(played.verdict) if played else {},
        unevaluated=dict(played.unevaluated) if played else {},
    )


def _difference_from_record(environment: Environment, episode: Episode, played: Played) -> str:
    for place, (call, got) in enumerate(zip(episode.calls, played.answers, strict=True)):
        if got is None or not environment.agrees(call, got):
            recorded, text = _shown(call.answer), _shown(got)
            return f"{name_of(episode.calls, place)}: recorded {recorded}, got {text}"
    for part, met in played.verdict.items():
        if episode.verdict.get(part, met) != met:
            return f"the oracle's {part} was {not met} when recorded, is {met}"
    return ""


def _delete(
    environment: Environment, episode: Episode, whole: Played, steps: tuple[int, ...]
) -> Deletion:
    played = environment.play(episode, frozenset(steps))
    where = "; ".join(_differences(episode.calls, whole, played))
    tools = {call.n: call.tool for call in episode.calls}
    return Deletion(
        trace_id=episode.trace_id,
        steps=steps,
        tools=tuple(tools[step] for step in steps),
        unchanged=not where,
        where=where,
    )


def _differences(calls: Sequence[RecordedCall], whole: Played, played: Played) -> Iterator[str]:
    """The first call whose answer is another, and the parts of state and verdict that are."""
    for place, (before, now) in enumerate(zip(whole.answers, played.answers, strict=True)):
        if now is not None and now != before:
            yield f"{name_of(calls, place)}: was {_shown(before)}, is {_shown(now)}"
            break
    yield from (f"final {part}" for part in _unequal(whole.final, played.final))
    for part in _unequal(whole.verdict, played.verdict):
        yield f"verdict {part}: was {whole.verdict.get(part)}, is {played.verdict.get(part)}"


def _unequal(before: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    return [part for part in {**before, **now} if before.get(part) != now.get(part)]


def name_of(calls: Sequence[RecordedCall], place: int) -> str:
    """A call, for people: by its step, or by the step that it follows."""
    call = calls[place]
    if call.n is not None:
        return f"step {call.n} {call.tool}"
    earlier = [c.n for c in calls[:place] if c.n is not None]
    after = f"after step {earlier[-1]}" if earlier else "before all steps"
    return f"{call.requestor}'s {call.tool} {after}"


def _shown(answer: Answer | None) -> str:
    """The beginning of an answer, secrets masked as on cards."""
    return (
        "nothing" if answer is None else repr(clean(mask(answer.text[:_LOOKED_AT]), _SHOWN_CHARS))
    )
