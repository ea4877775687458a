"""What CostCraft's claims rest on, measured: ``make evidence`` writes docs/evidence.md."""
