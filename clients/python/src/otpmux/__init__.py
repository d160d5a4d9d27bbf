"""Client of the otpmux gateway: send one-time codes over several vendors and verify them.

    from otpmux import Otpmux

    otpmux = Otpmux("http://127.0.0.1:8080", api_key)
    sent = otpmux.send("+919876543210", purpose="login", client_ip=request.remote_addr)
    session["verification"] = sent.id

    if otpmux.verify(session["verification"], typed).approved:
        ...  # let them in

`AsyncOtpmux` has the same methods as coroutines.
"""

from ._asynchronous import AsyncOtpmux
from ._errors import FieldError, OtpmuxError, Problem, Unreachable
from ._models import Delivery, SendAttempt, Skipped, Verdict, Verification
from ._retry import Retry
from ._synchronous import Otpmux

__all__ = [
    "AsyncOtpmux",
    "Delivery",
    "FieldError",
    "SendAttempt",
    "Otpmux",
    "OtpmuxError",
    "Problem",
    "Retry",
    "Skipped",
    "Unreachable",
    "Verdict",
    "Verification",
]
