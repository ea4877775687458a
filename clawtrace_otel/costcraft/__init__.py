"""CostCraft: from cards to a better skill, with counterfactuals that are executed."""
