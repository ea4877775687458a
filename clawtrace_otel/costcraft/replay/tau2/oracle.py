"""tau2's oracle, as far as it needs no model.

Its own evaluators cannot judge a run without some of its calls: they play it themselves and refuse
one whose results differ from the recorded. This is the same judgement of a state that is there.
What the agent told the user is as recorded, whatever is deleted: ``COMMUNICATE`` is not evaluated.

Source: ``tau2/evaluator/evaluator_env.py`` and ``evaluator_action.py``.
"""

from collections.abc import Sequence

from clawtrace_otel.costcraft.replay.tau2.package import Criteria, ToolCall, World

DB = "DB"
ASSERTIONS = "ENV_ASSERTION"
ACTIONS = "ACTION"

_EVALUATED = frozenset({DB, ASSERTIONS, ACTIONS})
_REASONS = {
    "COMMUNICATE": "what was said to the user is as recorded",
    "NL_ASSERTION": "it takes a model",
}


def act_as_expected(criteria: Criteria, world: World) -> None:
    """Do what the oracle expects; what cannot be done is passed over, as tau2 does."""
    for action in criteria.actions or ():
        try:
            world.make_tool_call(action.name, action.requestor, **action.arguments)
        except Exception:
            continue


def judge(
    criteria: Criteria, world: World, matches: bool, calls: Sequence[ToolCall]
) -> dict[str, bool]:
    """The parts of the verdict that the reward is made of.

    Args:
        criteria: of the task.
        world: at the end of the run. Assertions may change it.
        matches: its state is the one that comes of the expected actions.
        calls: that were executed, of both sides.
    """
    judged = {
        DB: lambda: matches or (criteria.actions is None and criteria.env_assertions is None),
        ASSERTIONS: lambda: _are_true(world, criteria.env_assertions or ()),
        ACTIONS: lambda: all(
            any(action.compare_with_tool_call(call) for call in calls)
            for action in criteria.actions or ()
        ),
    }
    return {part: judged[part]() for part in judged if part in basis(criteria)}


def unevaluated(criteria: Criteria) -> dict[str, str]:
    """The parts of the reward that are not evaluated here -> why."""
    missing = sorted(basis(criteria) - _EVALUATED)
    return {part: _REASONS.get(part, "it is not known") for part in missing}


def basis(criteria: Criteria) -> set[str]:
    """The parts that the reward is made of."""
    return {str(getattr(part, "value", part)) for part in criteria.reward_basis}


def _are_true(world: World, assertions: Sequence[object]) -> bool:
    """All are run, as tau2 does: one may change what the next one sees."""
    met = [world.run_env_assertion(each, raise_assertion_error=False) for each in assertions]
    return all(met)
