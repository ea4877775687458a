"""OTLP in: gRPC and HTTP, how requests are read and how they are answered."""
