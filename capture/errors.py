"""What can go wrong with us. A broken site is data, never one of these.

    CaptureError            our own failure; the message is one sentence for the user
    ├── BadInput            the request makes no sense (exit status 2)
    ├── Refused             the request is understood and not allowed by policy (exit status 3)
    └── NotInstalled        something we need is missing on this machine (exit status 4)
"""


class CaptureError(Exception):
    """We failed; says how in one sentence."""


class BadInput(CaptureError):
    """The request makes no sense."""


class Refused(CaptureError):
    """The policy does not allow it."""


class NotInstalled(CaptureError):
    """A browser or a library is missing; the message names the command that installs it."""
