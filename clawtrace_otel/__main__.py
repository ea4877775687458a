"""``python -m clawtrace_otel``."""

from clawtrace_otel.cli import main

main()
