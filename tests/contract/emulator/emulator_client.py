"""A small client that speaks plain HTTP to a running emulator."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from sfsync.emulator.server import RunningEmulator

ORG_FILE = Path(__file__).parents[3] / "config" / "emulator" / "org.toml"


@dataclass
class Client:
    """A session on the emulator; paths are relative to one API version."""

    emulator: RunningEmulator
    version: str = "66.0"
    http: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.http.headers["Authorization"] = f"Bearer {self.emulator.access_token}"

    def log_in(self) -> None:
        """Start a new session, after the clock has been moved past the life of the last one."""
        app = {"client_id": self.emulator.client_id, "client_secret": self.emulator.client_secret}
        form = {"grant_type": "client_credentials", **app}
        answer = self.http.post(f"{self.emulator.instance_url}/services/oauth2/token", data=form, timeout=10)
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def call(self, method: str, path: str, json: Any = None, **rest: Any) -> requests.Response:
        """Send a request and return the answer."""
        url = path if path.startswith("http") else self.emulator.instance_url + path
        if path.startswith("/") and not path.startswith(("/services", "/id", "/_emulator")):
            url = f"{self.emulator.instance_url}/services/data/v{self.version}{path}"
        return self.http.request(method, url, json=json, timeout=10, **rest)

    def create(self, sobject: str, **values: Any) -> str:
        """Create a record and return its id."""
        answer = self.call("POST", f"/sobjects/{sobject}", values)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def deal(self, **values: Any) -> str:
        """Create a deal with the least fields and return its id."""
        return self.create("Opportunity", **{**DEAL, **values})

    def get(self, sobject: str, record_id: str) -> dict[str, Any]:
        """Return a record."""
        return dict(self.call("GET", f"/sobjects/{sobject}/{record_id}").json())

    def query(self, soql: str) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        answer = self.call("GET", "/query", params={"q": soql})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["records"])

    def roles(self, deal: str) -> list[dict[str, Any]]:
        """Return the roles of a deal in the order of their ids."""
        fields = "Id, ContactId, Role, IsPrimary"
        return self.query(
            f"SELECT {fields} FROM OpportunityContactRole WHERE OpportunityId = '{deal}' ORDER BY Id"
        )


DEAL = {"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-12-31"}
