"""What the service tells of itself: metrics, health, logs, and spans of its own work."""
