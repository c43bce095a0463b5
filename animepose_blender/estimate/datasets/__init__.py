"""Readers of published data sets, each with the figures that papers report on it."""
