"""Casehub: an interoperability hub for case management across health and social care."""

from __future__ import annotations

__version__ = "0.1.0"
