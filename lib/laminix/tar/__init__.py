"""Tar archives: entries, their bytes, and the way back."""
