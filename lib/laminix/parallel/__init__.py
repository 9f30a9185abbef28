"""Threads and processes that work on streams of bytes, in chunks."""
