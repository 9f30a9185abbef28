"""Verification of images: the problems found in their bytes."""
