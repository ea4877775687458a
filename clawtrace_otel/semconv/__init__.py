"""What spans of each dialect mean: attribute keys, dialect tables, the step they become."""
