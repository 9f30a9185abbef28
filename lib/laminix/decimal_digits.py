"""Numbers in decimal digits from strangers. Python's ``int`` raises ValueError for more than 4,300 digits."""


def number_up_to(most: int, text: str) -> int | None:
    """Return the number that TEXT has in ASCII digits; None for any other text, and for a number above MOST."""
    if not (text.isascii() and text.isdecimal()):
        return None
    digits = text.lstrip("0") or "0"
    if len(digits) > len(str(most)):
        return None
    number = int(digits)
    return number if number <= most else None
