"""Sessions of the pi agent and of OpenClaw, which embeds it."""
