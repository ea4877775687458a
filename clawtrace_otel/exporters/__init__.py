"""Where steps go: cards on disk, and enriched spans to the next exporter."""
