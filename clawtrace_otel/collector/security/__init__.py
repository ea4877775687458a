"""Who may send: TLS, tokens and rates."""
