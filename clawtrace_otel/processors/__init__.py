"""What is found out about a step: its cost, and whether it repeats an earlier one."""
