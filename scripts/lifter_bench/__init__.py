"""What the comparison of lifters is made of."""
