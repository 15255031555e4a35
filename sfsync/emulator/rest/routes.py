"""The table of resources that the emulator plays, and the dispatch of a call to one of them.

What is not in the table, or not yet in the version of the call, is answered with the platform's 404:
nothing is half played. Subrequests of composites come through the same dispatch as calls from the wire.
Source: REST API Developer Guide, Reference [D].
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Final

from sfsync.emulator.bulk import ingest, query_jobs
from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError, not_found
from sfsync.emulator.rest import (
    changes,
    collections,
    composite,
    describing,
    graph,
    identity,
    oauth,
    oauth_web,
    querying,
    records,
    searching,
    tree,
    ui_api,
    versions,
)
from sfsync.emulator.soap import endpoint
from sfsync.emulator.wire.messages import Reply
from sfsync.emulator.wire.routing import RouteTable

Resource = Callable[[Call], Reply]
_DATA: Final = "/services/data/"

OPEN: Final[tuple[tuple[str, str, Resource], ...]] = (
    ("GET", "/services/data", versions.list_versions),
    ("POST", "/services/oauth2/token", oauth.issue_token),
    ("GET", "/services/oauth2/authorize", oauth_web.authorize),
    ("GET", "/services/oauth2/revoke", oauth_web.revoke),
    ("POST", "/services/oauth2/revoke", oauth_web.revoke),
    ("POST", "/services/oauth2/introspect", oauth_web.introspect),
)
SOAP: Final[tuple[tuple[str, str, Resource], ...]] = (
    ("POST", "/services/Soap/u/{version}", endpoint.answer),
    ("POST", "/services/Soap/u/{version}/{org}", endpoint.answer),
)
WITH_SESSION: Final[tuple[tuple[str, str, Resource], ...]] = (
    ("GET", "/services/oauth2/userinfo", identity.userinfo),
    ("POST", "/services/oauth2/userinfo", identity.userinfo),
    ("GET", "/id/{org}/{user}", identity.identity),
)
VERSIONED: Final[tuple[tuple[str, str, Resource], ...]] = (
    ("GET", "/", versions.list_resources),
    ("GET", "/limits", describing.limits),
    ("GET", "/limits/recordCount", describing.record_count),
    ("GET", "/sobjects", describing.global_describe),
    ("GET", "/sobjects/{sobject}", describing.object_info),
    ("POST", "/sobjects/{sobject}", records.create_record),
    ("GET", "/sobjects/{sobject}/describe", describing.object_describe),
    ("POST", "/sobjects/{sobject}/Id", records.create_record),
    ("GET", "/sobjects/{sobject}/deleted", changes.get_deleted),
    ("GET", "/sobjects/{sobject}/updated", changes.get_updated),
    ("GET", "/sobjects/{sobject}/{id}", records.read_record),
    ("PATCH", "/sobjects/{sobject}/{id}", records.update_record),
    ("DELETE", "/sobjects/{sobject}/{id}", records.delete_record),
    ("GET", "/sobjects/{sobject}/{field}/{value}", records.read_by_key),
    ("PATCH", "/sobjects/{sobject}/{field}/{value}", records.upsert_record),
    ("DELETE", "/sobjects/{sobject}/{field}/{value}", records.delete_by_key),
    ("GET", "/query", querying.query),
    ("GET", "/queryAll", querying.query_all),
    ("GET", "/tooling/query", querying.tooling_query),
    ("GET", "/query/{locator}", querying.next_page),
    ("GET", "/queryAll/{locator}", querying.next_page),
    ("POST", "/composite", composite.composite),
    ("POST", "/composite/batch", composite.batch),
    ("POST", "/composite/graph", graph.composite_graph),
    ("POST", "/composite/tree/{sobject}", tree.create_tree),
    ("POST", "/composite/sobjects", collections.create_records),
    ("PATCH", "/composite/sobjects", collections.update_records),
    ("DELETE", "/composite/sobjects", collections.delete_records),
    ("GET", "/composite/sobjects/{sobject}", collections.retrieve_by_address),
    ("POST", "/composite/sobjects/{sobject}", collections.retrieve_by_body),
    ("PATCH", "/composite/sobjects/{sobject}/{field}", collections.upsert_records),
    ("POST", "/jobs/ingest", ingest.create_job),
    ("GET", "/jobs/ingest", ingest.list_jobs),
    ("GET", "/jobs/ingest/{job}", ingest.read_job),
    ("PATCH", "/jobs/ingest/{job}", ingest.change_state),
    ("DELETE", "/jobs/ingest/{job}", ingest.delete_job),
    ("PUT", "/jobs/ingest/{job}/batches", ingest.upload),
    ("GET", "/jobs/ingest/{job}/successfulResults", ingest.successful_results),
    ("GET", "/jobs/ingest/{job}/failedResults", ingest.failed_results),
    ("GET", "/jobs/ingest/{job}/unprocessedrecords", ingest.unprocessed_records),
    ("POST", "/jobs/query", query_jobs.create_job),
    ("GET", "/jobs/query", query_jobs.list_jobs),
    ("GET", "/jobs/query/{job}", query_jobs.read_job),
    ("PATCH", "/jobs/query/{job}", query_jobs.change_state),
    ("DELETE", "/jobs/query/{job}", query_jobs.delete_job),
    ("GET", "/jobs/query/{job}/results", query_jobs.results),
    ("GET", "/jobs/query/{job}/resultPages", query_jobs.result_pages),
    ("GET", "/search", searching.search),
    ("GET", "/parameterizedSearch", searching.search_by_address),
    ("POST", "/parameterizedSearch", searching.search_by_body),
    ("GET", "/ui-api/object-info/{sobject}", ui_api.object_info),
    ("GET", "/ui-api/object-info/{sobject}/picklist-values/{record_type}", ui_api.picklist_values),
)
# Source: REST API Developer Guide, "Available Version" of each resource [D]; what is younger than 31 only.
SINCE: Final[dict[tuple[str, str], int]] = {
    ("POST", "/composite/batch"): 34,
    ("POST", "/composite/tree/{sobject}"): 34,
    ("GET", "/parameterizedSearch"): 36,
    ("POST", "/parameterizedSearch"): 36,
    ("POST", "/sobjects/{sobject}/Id"): 37,
    ("POST", "/composite"): 38,
    ("GET", "/limits/recordCount"): 40,
    ("GET", "/ui-api/object-info/{sobject}"): 41,
    ("GET", "/ui-api/object-info/{sobject}/picklist-values/{record_type}"): 41,
    ("POST", "/composite/sobjects"): 42,
    ("GET", "/composite/sobjects/{sobject}"): 42,
    ("POST", "/composite/sobjects/{sobject}"): 42,
    ("PATCH", "/composite/sobjects"): 43,
    ("DELETE", "/composite/sobjects"): 43,
    ("PATCH", "/composite/sobjects/{sobject}/{field}"): 46,
    ("POST", "/composite/graph"): 50,
}


@cache
def _table(entries: tuple[tuple[str, str, Resource], ...], version: float = math.inf) -> RouteTable[Resource]:
    table: RouteTable[Resource] = RouteTable()
    for method, pattern, resource in entries:
        if SINCE.get((method, pattern), 0) <= version:
            table.add(method, pattern, resource)
    return table


def needs_session(path: str) -> bool:
    """Whether a path is answered only to a session; SOAP carries its own and looks after it."""
    return not endpoint.is_soap(path) and path.strip("/").lower() not in {
        pattern.strip("/") for _, pattern, _ in OPEN
    }


def dispatch(call: Call) -> Reply:
    """Answer a call; errors of the platform become replies, faults of the wire pass through."""
    try:
        return _dispatch(call)
    except ApiError as error:
        return Reply.of(error)
    except RecursionError:
        return Reply.of(ApiError(400, "JSON_PARSER_ERROR", "The request body is nested too deeply"))


def _dispatch(call: Call) -> Reply:
    path = call.request.path
    method = _method(call)
    if endpoint.is_soap(path):
        target, call.args = _table(SOAP).find(method, path)
    elif not needs_session(path):
        target, call.args = _table(OPEN).find(method, path)
    elif path.lower().startswith(_DATA):
        segment, _, rest = path[len(_DATA) :].partition("/")
        call.version = versions.served_version(segment, newest=call.org.newest_version)
        target, call.args = _table(VERSIONED, float(call.version)).find(method, "/" + rest)
    else:
        target, call.args = _table(WITH_SESSION).find(method, path)
    return target(call)


def _method(call: Call) -> str:
    method = call.request.method
    override = call.request.parameters().get("_HttpMethod") if method == "POST" else None
    if override and override.upper() not in {"PATCH", "DELETE"}:
        raise not_found()
    return override.upper() if override else method
