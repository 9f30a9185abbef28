"""How many bytes go through the program in one go."""

# Large enough that calls cost nothing beside it, small enough for a core's own cache.  And some kernels (6.18
# with ext4) look for huge pages to write a megabyte to, which takes up to eight times as long.
PIECE = 256 << 10
