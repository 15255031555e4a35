"""Every fault of the failure model that a server can play, as the scripts to send to /_emulator/faults.

N are the faults of the network, S those of the platform, C other people. Printed by
`python -m sfsync.emulator coverage`; one contract test plays every script over HTTP and says what reached the
client and what was committed.
Invariant: a fault without a script says why no server can play it.
"""

from typing import Final

from sfsync.emulator.fault_scripts import Fault
from sfsync.emulator.network_faults import NETWORK
from sfsync.emulator.platform_faults import PEOPLE, PLATFORM

CATALOGUE: Final = (*NETWORK, *PLATFORM, *PEOPLE)


def fault_table() -> str:
    """Return one line for each fault: its id, what happens, and how many scripts play it."""
    lines = [f"{fault.id:<4} {fault.says:<70} {fault.elsewhere or _played(fault)}" for fault in CATALOGUE]
    return "\n".join(lines) + "\n"


def _played(fault: Fault) -> str:
    actions = dict.fromkeys(str(script["action"]) for script in fault.scripts)
    return f"{len(fault.scripts)} x {', '.join(actions)}"
