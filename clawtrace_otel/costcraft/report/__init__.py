"""What a distillation found, for people: ``report.md`` and one self-contained HTML page."""
