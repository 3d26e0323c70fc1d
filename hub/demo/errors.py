"""What can go wrong while the story is played.

HubError
  StoryStuckError      something that the story waits for did not happen in time
  HubStartError        the hub's process ended or never became ready
  OutsideFileError     a document from outside has no place for the client's name and identifiers
"""

from __future__ import annotations

from hub.errors import ConfigurationError, HubError, UnmappableContent


class StoryStuckError(HubError):
    """Something that the story waits for did not happen in time."""

    issue_code = "timeout"
    http_status = 504


class HubStartError(ConfigurationError):
    """The hub's process ended or did not become ready in time."""


class OutsideFileError(UnmappableContent):
    """A document from outside offers no place to put the client's name and identifiers."""
