"""A user's agent, run over tasks with and without a skill, and what the difference is."""
