"""The log of OpenClaw's telemetry plugin."""
