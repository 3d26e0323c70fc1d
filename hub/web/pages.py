"""The pages for people. Everything on them left through the gate."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

router = APIRouter(include_in_schema=False)


@router.get("/")
def home() -> Response:
    """The first page."""
    return HTMLResponse("<!doctype html><title>casehub</title>")
