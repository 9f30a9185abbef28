"""The tones for a share, from none to all."""

TONES = ((0.05, "low"), (0.2, "some"), (0.5, "half"), (0.8, "most"), (1.0, "all"))
LEGEND = (
    ("low", "changed by up to 5 % of updates"),
    ("some", "up to 20 %"),
    ("half", "up to 50 %"),
    ("most", "up to 80 %"),
    ("all", "more"),
)


def tone_of(share: float) -> str:
    """The tone for SHARE, between 0 and 1."""
    return next((tone for most, tone in TONES if share <= most), "all")
