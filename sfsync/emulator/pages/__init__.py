"""The emulator's own pages: a person looks at what a rehearsal has left in the org, as in the platform's own pages.

They are no part of the played platform: read-only, without a session, neither audited nor counted as API calls, and
for a browser on this machine alone.
"""

from sfsync.emulator.pages.answering import answer_page, is_page

__all__ = ["answer_page", "is_page"]
