"""Footsteps on a rig: found, shown, edited, and the feet pinned by them."""
