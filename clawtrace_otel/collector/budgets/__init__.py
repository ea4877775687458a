"""What a trace or a session may cost, and who is told when it costs more."""
