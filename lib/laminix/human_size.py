"""Sizes for people."""

UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def human_size(size: float) -> str:
    """Return SIZE (bytes) with a unit and at most four digits before the point: ``999 B``, ``1.5 KiB``."""
    value, units = float(size), iter(UNITS)
    unit = next(units)
    # 1023.95 would be rounded to 1024.0.
    while value >= 1023.95 and (larger := next(units, None)):
        value, unit = value / 1024, larger
    return f"{size:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
