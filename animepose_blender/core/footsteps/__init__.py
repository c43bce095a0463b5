"""Footsteps: spans in which a foot stands, as an animator edits them."""
