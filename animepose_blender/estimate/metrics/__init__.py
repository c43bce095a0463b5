"""What a take is worth, measured against a known truth. Pure functions on arrays."""
