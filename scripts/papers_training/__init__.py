"""Training of the papers' networks: pictures made ready, losses, the loop."""
