"""The real sample files, where they lie beside the repository; tests that need them are skipped elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"

needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the sample files are not beside the repository")


def files(folder: str, pattern: str = "*") -> list[Path]:
    """The sample files of one folder, in order; none where the corpus is absent."""
    return sorted((CORPUS / folder).glob(pattern))
