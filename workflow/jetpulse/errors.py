"""The exceptions that are no defects of the program: a mistake of the user's, and being asked to stop."""


class UserError(Exception):
    """A mistake that the user can mend: bad input, a wrong setting, a full disk.

    The message is one line: where (file, key, event), what was found, what is allowed, what to do. The
    command line prints it without a traceback and exits with code 1.
    """


class DivergedError(UserError):
    """A training whose loss or weights are no longer finite; a search goes on with other settings."""


class StoppedError(Exception):
    """The program was asked to end by a signal and has kept what it needs to go on.

    The command line prints the message and exits with ``code``: 128 + the signal's number.
    """

    def __init__(self, message: str, code: int) -> None:
        """Keep the message, one line, and the exit code."""
        super().__init__(message)
        self.code = code
