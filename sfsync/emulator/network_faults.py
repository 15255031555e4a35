"""The faults of the network: what can happen to bytes on their way, and to a request that is sent twice.

The ids are those of the product's failure model.
"""

from typing import Final

from sfsync.emulator.fault_scripts import Fault, Table

_BEFORE: Final[Table] = {"phase": "before_read"}
_AFTER: Final[Table] = {"phase": "after_commit"}
_HTML: Final = "<html><body>Bad Gateway</body></html>"

NETWORK: Final = (
    Fault("N1", "the name does not resolve", elsewhere="happens before a server is reached"),
    Fault("N2", "nobody listens", elsewhere="happens before a server is reached: stop the emulator"),
    Fault(
        "N3",
        "the certificate is wrong",
        elsewhere="no call is reached: PATCH /_emulator/tls of a server with --tls",
    ),
    Fault(
        "N4",
        "the connection ends before the request is read",
        ({"action": "drop", **_BEFORE}, {"action": "drop", "how": "close", "phase": "before_commit"}),
    ),
    Fault(
        "N5",
        "the answer is lost after the commit",
        (
            {"action": "drop", **_AFTER},
            {"action": "drop", "how": "close", **_AFTER},
            {"action": "delay", "seconds": 3600, **_AFTER},
        ),
    ),
    Fault(
        "N6",
        "the request commits after its client has given up",
        (
            {"action": "hold", "label": "zombie"},
            {"action": "hold", "label": "zombie", "cut": "close"},
            {"action": "hold", "label": "zombie", "after_s": 600},
        ),
    ),
    Fault(
        "N7",
        "the answer is cut",
        (
            {"action": "truncate", "at": 12},
            {"action": "truncate", "at": 100},
            {"action": "truncate", "at": -10},
            {"action": "truncate", "at": -10, "framed": False},
        ),
    ),
    Fault("N8", "the answer drips", ({"action": "drip", "bytes_each": 100, "pause_s": 0.001},)),
    Fault(
        "N9",
        "a page comes instead of an answer",
        ({"action": "page", **_BEFORE}, {"action": "page", **_AFTER}),
    ),
    Fault(
        "N10",
        "the answer is spoiled",
        (
            {"action": "spoil", "how": "gzip"},
            {"action": "spoil", "how": "type"},
            {"action": "spoil", "how": "json"},
            {"action": "garbage"},
            *({"action": "reshape", "how": how} for how in ("fewer", "more", "reversed", "rotated", "empty")),
            *({"action": "reshape", "how": how, "depth": 1} for how in ("fewer", "more", "reversed")),
        ),
    ),
    Fault(
        "N11",
        "a proxy gives up after the commit",
        tuple(
            {"action": "refuse", "status": status, "body": _HTML, "content_type": "text/html", **_AFTER}
            for status in (502, 504)
        ),
    ),
    Fault("N12", "a proxy asks for a login", ({"action": "refuse", "status": 407, "body": ""},)),
    Fault(
        "N13",
        "the client is sent elsewhere",
        tuple(
            {"action": "redirect", "location": "http://127.0.0.1:9/", "status": status}
            for status in (301, 302, 303, 307, 308)
        ),
    ),
    Fault(
        "N14",
        "an idle connection is gone; a request arrives twice",
        (
            {"action": "hang_up"},
            {"action": "redeliver"},
            {"action": "redeliver", "answer": "first"},
            {"action": "redeliver", "later": True},
        ),
    ),
)
