"""Arguments for functions of Nix, as the prefetching builders print them."""

from collections.abc import Mapping

from laminix import strict_json


def nix_arguments(values: Mapping[str, str | bool | None], as_json: bool) -> str:
    """Return VALUES as an attribute set of Nix or as JSON, in their order and without those that are None.

    The strings are names, digests and hashes, in which Nix knows no special characters.
    """
    given = {key: value for key, value in values.items() if value is not None}
    if as_json:
        return strict_json.dumps(given).decode()
    return "{\n" + "".join(f"  {key} = {_literal(value)};\n" for key, value in given.items()) + "}\n"


def _literal(value: str | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"'
