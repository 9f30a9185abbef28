"""Suggestions for misspelt words."""

from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``: did you mean 'NEAR'?`` with the word in KNOWN most similar to WORD, or an empty string."""
    near = nearest(word, known)
    return "" if near is None else f": did you mean {near!r}?"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the word in KNOWN most similar to WORD; None if none is similar."""
    import difflib  # takes 2 ms, and only an error needs it

    by_lower_case = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), by_lower_case, 1, 0.7)
    return by_lower_case[near[0]] if near else None
