"""The one exception that a user's input may cause."""


class InputError(ValueError):
    """Bad input from a user: a file, a table, a flag.

    The message is one line that names the file, the column or sample, and the
    remedy. Scripts print it and exit with code 2, without a traceback.
    """

    def __init__(self, message: str):
        super().__init__(" ".join(str(message).split()))
