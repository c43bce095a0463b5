"""Motions made into other motions: loops, mirror images, other timing."""
