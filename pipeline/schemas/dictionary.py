"""Writes the data dictionary beside the declarations: `python -m pipeline.schemas.dictionary`."""

from __future__ import annotations

from pathlib import Path

from pipeline.schemas.render import dictionary_page
from pipeline.schemas.tables import TABLES

PAGE = Path(__file__).with_name("DICTIONARY.md")


def main() -> None:
    """Replace the committed page by what the declarations give."""
    PAGE.write_text(dictionary_page(TABLES.values()), encoding="utf-8")


if __name__ == "__main__":
    main()
