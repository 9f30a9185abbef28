"""Merging an image with a parent image: layers, config and history."""
