"""The whole tool against an org that speaks https with an authority of its own."""

from pathlib import Path

from command_line import sfsync

from sfsync.emulator.server import running

ROOT = Path(__file__).resolve().parents[2]


def test_an_import_over_tls(environ: dict[str, str]) -> None:
    """With ca_file in the environment the example is imported over https; without it nothing is sent."""
    with running(ROOT / "config" / "emulator" / "org.toml", tls=True) as secure:
        own = {
            "SFSYNC_ORGS__LOCAL__INSTANCE_URL": secure.instance_url,
            "SFSYNC_ORGS__LOCAL__ACCESS_TOKEN": secure.access_token,
            "SFSYNC_ORGS__LOCAL__LOOPBACK": "false",
        }
        refused = sfsync("run", "trailhead", environ={**environ, **own}, cwd=ROOT)
        assert (refused.exit_code, "ca_file" in refused.err) == (2, True)
        assert secure.audit.requests == []
        trusting = {**environ, **own, "SFSYNC_ORGS__LOCAL__CA_FILE": str(secure.ca_file)}
        done = sfsync("run", "trailhead", "--json", environ=trusting, cwd=ROOT)
        assert done.exit_code == 3
        assert done.document["counts"]["Opportunity"]["created"] == 2
        assert [commit.sobject for commit in secure.audit.commits].count("Opportunity") == 3
