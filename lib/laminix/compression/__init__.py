"""Compressors and decompressors of blobs and archives."""
