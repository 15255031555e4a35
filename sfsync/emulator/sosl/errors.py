"""How a search is refused.

Source: REST API Developer Guide, Search: MALFORMED_SEARCH for a text or statement that cannot be read [D].
"""


class SoslError(Exception):
    """A search refused; the message says why."""

    code = "MALFORMED_SEARCH"
