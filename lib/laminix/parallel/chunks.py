"""The size of the chunks in which bytes pass through a builder."""

# Large enough that the cost of calls vanishes, small enough for a core's cache. With writes of 1 MiB some kernels
# (6.18 with ext4) take up to eight times as long, because they look for huge pages.
CHUNK_SIZE = 256 << 10
