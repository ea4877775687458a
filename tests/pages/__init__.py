"""The pages of docs/integrations, tried: `python -m tests.pages [PAGE[:VARIANT]...]`."""
