"""OTLP bytes and JSON, read and written without losing what is not understood."""
