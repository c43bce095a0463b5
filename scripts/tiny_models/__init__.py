"""Tiny networks of the public classes, fitted to one clip, to try the preset `quality` without its weights."""
