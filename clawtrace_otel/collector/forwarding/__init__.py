"""The enriched spans out, to another OTLP receiver."""
