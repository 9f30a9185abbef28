"""Tar archives: their entries, a writer and a reader."""
