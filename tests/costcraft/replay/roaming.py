"""A run in tau2's telecom domain, for tests: somebody abroad, whose line may not roam."""

from typing import Any

from tests.costcraft.replay.recorded import Simulation

ROAMING: dict[str, Any] = {
    "id": "roaming",
    "initial_state": {
        "initialization_actions": [
            {
                "env_type": "user",
                "func_name": "set_user_info",
                "arguments": {"name": "John Smith", "phone_number": "555-123-2002"},
            },
            {"env_type": "user", "func_name": "set_user_location", "arguments": {"abroad": True}},
            {"env_type": "user", "func_name": "turn_roaming_off", "arguments": {}},
        ]
    },
    "evaluation_criteria": {
        "actions": [
            {
                "action_id": "roam",
                "requestor": "assistant",
                "name": "enable_roaming",
                "arguments": {"customer_id": "C1001", "line_id": "L1002"},
            }
        ],
        "env_assertions": [
            {
                "env_type": "user",
                "func_name": "assert_mobile_data_status",
                "arguments": {"expected_status": True},
            }
        ],
        "reward_basis": ["ENV_ASSERTION", "ACTION"],
    },
}
"""A task of telecom: somebody abroad, whose line may not roam."""


def roaming() -> Simulation:
    """The user switches roaming on, which the agent has to allow first."""
    run = Simulation("telecom", ROAMING)
    run.call("get_customer_by_phone", phone_number="555-123-2002")
    run.call("get_details_by_id", id="L1002")
    run.call("get_details_by_id", id="L1002")
    run.call("disable_roaming", customer_id="C1001", line_id="L1002")
    run.call("enable_roaming", customer_id="C1001", line_id="L1002")
    run.call("toggle_roaming", requestor="user")
    run.call("run_speed_test", requestor="user")
    return run
