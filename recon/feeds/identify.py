"""Which report a file is, by the names in its header: order-free, below leading lines too."""

from __future__ import annotations

import re
from collections.abc import Sequence

from recon.feeds.faults import Fault, FileRefused, refuse
from recon.feeds.header import Header
from recon.feeds.options import ReadOptions
from recon.feeds.parser import Parser


def identify(
    preview: Sequence[tuple[str, ...]], parsers: Sequence[Parser], name: str, options: ReadOptions
) -> tuple[Parser, Header]:
    """The parser and the header of a file called `name`. Raises FileRefused saying what the file looks like."""
    for number, record in enumerate(preview, start=1):
        header = Header(record, number)
        fitting = [parser for parser in parsers if parser.shape.fits(header)]
        if fitting:
            return _chosen(fitting, name, options), header
    raise _unknown(preview, parsers)


def _chosen(fitting: list[Parser], name: str, options: ReadOptions) -> Parser:
    """Reports of one family share their columns: then what was said decides, then the file name, then the order."""
    if options.report_type is not None:
        for parser in fitting:
            if parser.name == options.report_type:
                return parser
        raise refuse(
            f"said to be {options.report_type}, but its header is that of {fitting[0].name}",
            line=1, accepted=" or ".join(parser.name for parser in fitting),
        )  # fmt: skip
    parser = next((p for p in fitting if p.name_hint and re.search(p.name_hint, name.lower())), fitting[0])
    if options.gateway not in (None, parser.gateway):
        raise refuse(f"said to be from {options.gateway}, but it is a report of {parser.gateway}", line=1)
    return parser


def _unknown(preview: Sequence[tuple[str, ...]], parsers: Sequence[Parser]) -> FileRefused:
    header = Header(preview[0]) if preview else Header(())
    known = ", ".join(f"{parser.gateway} {parser.name}" for parser in parsers)
    if len(header.names) == 1 and any(mark in header.names[0] for mark in ";\t|"):
        return refuse("fields that no comma separates", line=1, value=header.names[0], accepted="comma-separated")
    best_line, best = max(
        ((number, parser) for number in range(len(preview) or 1) for parser in parsers),
        key=lambda pair: pair[1].shape.likeness(Header(preview[pair[0]] if preview else ())),
    )
    header = Header(preview[best_line] if preview else (), best_line + 1)
    if best.shape.likeness(header) < 0.5:
        return refuse("no report that is known", line=1, value=",".join(preview[0] if preview else ()), accepted=known)
    faults = []
    for missing in best.shape.lacking(header):
        near = header.nearest(missing)
        hint = f" (it has {near!r})" if near else ""
        faults.append(
            Fault(f"looks like {best.gateway} {best.name} but lacks column {missing!r}{hint}", header.line, missing,
                  accepted=f"a header with {missing!r}, letter case as printed by {best.gateway}")
        )  # fmt: skip
    for odd in (name for name in best.shape.none_of if name in header):
        faults.append(Fault(f"looks like {best.gateway} {best.name} but has column {odd!r}", header.line, odd))
    return FileRefused(faults)
