"""Layers: their sources, their entries, their tar, and the layer directory that describes them."""
