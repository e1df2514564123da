"""The one exception that people see: a sentence that says what is wrong, where, and how to mend it."""


class UserError(Exception):
    """Shown without a traceback. Raised at the edges (files, settings, the command line), never in inner code."""


class Interrupted(Exception):
    """Ctrl-C or a wish to stop during a stage, after its state was saved."""
