"""A credential that does not show itself where its holder is printed.

In: a credential from the service file. Out: a string with the same characters whose `repr` is
asterisks, so the `repr` of options, a traceback's locals and `%r` do not show it. No other state.
It stays a `str`, because gRPC and HTTP clients take header values as such: format it only to send.
"""


class Secret(str):
    """A header value; `repr` gives asterisks."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(***)"
