"""Layers: what goes into one, how it looks, and the directory that describes it."""
