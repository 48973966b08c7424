"""The one exception that stands for a mistake of the user's rather than of the program's."""


class UserError(Exception):
    """A mistake that the user can mend: bad input, a wrong setting, a full disk.

    The message is one line: where (file, key, event), what was found, what is allowed, what to do. The
    command line prints it without a traceback and exits with code 1.
    """
