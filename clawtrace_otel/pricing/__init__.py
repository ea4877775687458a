"""What tokens cost: rate cards of plain integers, and where they come from."""
