"""I12 (`no_leak`) of a login by the Salesforce CLI: its token, and whatever else it spills when it fails."""

from __future__ import annotations

import json
import os

import pytest
from scenes import SECRET, Scene
from sf_stand_in import SfStandIn, fails, says

from sfsync.emulator.fault_actions import Refuse
from sfsync.emulator.faults import FaultScript


@pytest.fixture
def sf(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> SfStandIn:
    """The program sf of the scene's user, in a folder that is not searched."""
    made = SfStandIn(tmp_path_factory.mktemp("sf"))
    made.knows(scene.emulator.instance_url, scene.emulator.access_token)
    path = f"{made.folder}{os.pathsep}{os.environ['PATH']}"
    settings = {"LOGIN": "sf", "ALIAS": "box", "LOOPBACK": "true", "ACCESS_TOKEN": ""}
    scene.given |= {f"SFSYNC_ORGS__LOCAL__{name}": value for name, value in settings.items()}
    scene.given["PATH"] = path
    return made


def test_no_leak_of_the_token_of_sf(scene: Scene, sf: SfStandIn) -> None:
    """A run shows it nowhere, nor does one whose org repeats it in a refusal; it is no argument of sf."""
    assert scene.go("a run", "run", scene.bench.job, "--json") == 3
    token = scene.emulator.access_token
    refusal = [{"errorCode": "API_DISABLED_FOR_ORG", "message": f"Bearer {token}"}]
    scene.emulator.faults.add(FaultScript(Refuse(403, refusal), count=None))
    assert scene.go("a refusal") == 4
    assert not [each for each in sf.asked if token.partition("!")[2] in each]


@pytest.mark.parametrize("how", ["name", "text", "warning", "page"])
def test_no_leak_of_what_a_failing_sf_says(scene: Scene, sf: SfStandIn, how: str) -> None:
    """Names that are none, texts, warnings and pages of sf are not repeated, nor what it says on stderr."""
    secret = SECRET["echoed message"]
    answer = json.dumps({"status": 1, "name": f"{secret}!" if how == "name" else "X", "message": secret})
    said = {
        "name": answer,
        "text": answer,
        "warning": f"{secret}\n{answer}",
        "page": f"<html>{secret}</html>",
    }
    sf.token(says(said[how], f"echo '{secret}' >&2\nexit 1"))
    assert scene.go(how) == 4
    sf.display(fails("NamedOrgNotFoundError", secret))
    assert scene.go(f"{how}, unknown org") == 2
