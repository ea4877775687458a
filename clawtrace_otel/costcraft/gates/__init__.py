"""What every patch has to get through, whoever proposed it. A gate is a program, not a prompt."""
