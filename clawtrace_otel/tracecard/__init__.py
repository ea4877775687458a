"""The TraceCard: one compact YAML file that says what an agent's run cost, step by step."""
