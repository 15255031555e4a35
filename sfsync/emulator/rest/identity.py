"""Who a session belongs to: userinfo and the identity resource that token answers point to.

Source: Salesforce Help, OpenID Connect UserInfo Endpoint, Identity URLs [D].
"""

from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError
from sfsync.emulator.wire.messages import Reply


def userinfo(call: Call) -> Reply:
    """Answer who the session belongs to."""
    row = call.org.storage.get("User", call.user_id) or {}
    body = {
        "sub": f"{call.base_url}/id/{call.org.id}/{call.user_id}",
        "user_id": call.user_id,
        "organization_id": call.org.id,
        "preferred_username": row.get("Username"),
        "nickname": row.get("Alias"),
        "name": row.get("Name"),
        "email": row.get("Email"),
        "email_verified": True,
        "given_name": row.get("FirstName"),
        "family_name": row.get("LastName"),
        "active": bool(row.get("IsActive")),
        "user_type": "STANDARD",
        "language": row.get("LanguageLocaleKey"),
        "locale": row.get("LocaleSidKey"),
    }
    return Reply(200, body)


def identity(call: Call) -> Reply:
    """Answer the identity resource of a user."""
    row = call.org.storage.get("User", call.args["user"])
    if row is None or call.args["org"][:15] != call.org.id[:15]:
        raise ApiError.with_body(404, b"Bad_Id")
    rest = f"{call.base_url}/services/data/v{{version}}/"
    body = {
        "id": f"{call.base_url}/id/{call.org.id}/{row['Id']}",
        "user_id": row["Id"],
        "organization_id": call.org.id,
        "username": row["Username"],
        "display_name": row["Name"],
        "email": row["Email"],
        "active": bool(row["IsActive"]),
        "urls": {"rest": rest, "sobjects": rest + "sobjects/", "query": rest + "query/"},
    }
    return Reply(200, body)
