"""What is known of the tools of the recorded runs, by what their makers say of them.

tau-bench and tau2-bench mark their tools as reading or writing; those of the coding agents are
known. Of a shell nothing can be known, nor of a tool that runs an agent.
"""

from clawtrace_otel.processors.tool_effects import ToolEffects

NOTHING_KNOWN = ToolEffects()

READ_ONLY = (
    *("get_*", "search_*", "list_all_airports", "calculate", "think", "lookup_order"),
    *("Read", "Glob", "Grep", "read"),
)

RECORDED = ToolEffects(
    read_only=READ_ONLY,
    state_changing=(
        *("book_*", "cancel_*", "update_*", "send_*", "transfer_to_human_agents"),
        *("enable_roaming", "refuel_data", "resume_line"),
        *("Edit", "Write", "edit", "write"),
    ),
)
"""The tools of the recorded runs, as the settings take them."""
