"""The one exception that a user's input may cause."""

from __future__ import annotations

LONGEST = 600  # characters of a message
_START = 400


class InputError(ValueError):
    """Bad input from a user: a file, a table, a flag.

    The message is one line that names the file, the column or sample, and the
    remedy. Scripts print it and exit with code 2, without a traceback. What a
    file put into it can neither move the cursor nor fill the terminal: characters
    that do not print are escaped, and the middle of a long message is left out.
    """

    def __init__(self, message: str):
        text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in " ".join(str(message).split()))
        if len(text) > LONGEST:
            text = f"{text[:_START]} ... {text[_START + 5 - LONGEST :]}"
        super().__init__(text)
