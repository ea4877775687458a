"""The service: OTLP in, journal, cards on disk, enriched spans out."""
