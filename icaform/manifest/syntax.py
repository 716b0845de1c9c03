"""libyaml's complaints as sentences for a person who never read its source.

The source line is never quoted, for it may hold a secret. Problems are those of libyaml's ``scanner.c`` and
``parser.c``; one that is not in the table is repeated in libyaml's own words, which are constants.
"""

from __future__ import annotations

import re

from icaform.address import Origin
from icaform.diagnostic import Code, Diagnostic
from icaform.manifest.events import Complaint

_QUOTE = "put text that holds : { } [ ] , # & * ! | > % @ or ` between quotes"
_INDENT = "give entries of one mapping or list the same indentation, in spaces"

# The first words that fit win; each has a summary and a remedy.
_SENTENCES = (
    (
        "mapping values are not allowed",
        "a `key: value` cannot begin here",
        "if the colon belongs to the text, quote the text; else indent the line under its key",
    ),
    (
        "could not find expected ':'",
        "a key without its colon",
        "write `key: value`; text of several lines needs quotes or a | before it",
    ),
    (
        "found unexpected ':'",
        "a colon inside [ ] or { } needs quotes",
        'quote the text, such as ["https://example.org"]',
    ),
    ("found character that cannot start any token", "a value cannot begin with this character", _QUOTE),
    (
        "found unknown escape character",
        "an escape that YAML does not have",
        "double the backslash, or use '...'",
    ),
    (
        "found invalid Unicode character escape code",
        "an escape for half a character",
        "write the character itself, or \\U and its eight hexadecimal digits",
    ),
    ("hexdecimal number", "an escape with too few digits", "\\x wants two, \\u four, \\U eight digits"),
    (
        "block sequence entries are not allowed",
        "a list entry cannot begin here",
        "begin the list on a line of its own",
    ),
    ("mapping keys are not allowed", "a key cannot begin here", _INDENT),
    ("did not find expected '-' indicator", "a line here does not belong to the list around it", _INDENT),
    ("did not find expected key", "a line here does not belong to the mapping around it", _INDENT),
    (
        "expected ',' or ']'",
        "a [ is not closed, or a comma is missing",
        "close it with ], put commas between items",
    ),
    (
        "expected ',' or '}'",
        "a { is not closed, or a comma is missing",
        "close it with }, put commas between entries",
    ),
    (
        "did not find expected <document start>",
        "the text goes on after its document ended",
        "separate documents by a line `---`, and indent nothing less than its first line",
    ),
    ("did not find expected node content", "a value is missing here", _QUOTE),
    ("incompatible YAML document", "the %YAML directive names another version", "remove the directive"),
    ("directive", "a directive (a line that begins with %) is not usable", "remove the directive"),
    ("indentation indicator", "the number after | or > is not usable", "leave the number out"),
    (
        "expected comment or line break",
        "text follows | or > on the same line",
        "begin the text on the next line",
    ),
    ("expected alphabetic or numeric character", "an & or * without a name", _QUOTE),
)
_TAB = re.compile(rb"[ ]*\t")
_OPEN_QUOTE = "while scanning a quoted scalar"


def fault(found: Complaint, line_text: bytes, file: str, base: int) -> Diagnostic:
    """The diagnostic for a complaint about a segment that begins after ``base`` lines of the file.

    ``line_text`` is the line that libyaml points at; only its leading blanks and a single character are
    looked at.
    """
    place = Origin(file, base + found.line + 1, found.column + 1)
    tab = _TAB.match(line_text)
    if tab and found.context != _OPEN_QUOTE:
        return Diagnostic(
            Code.TAB,
            "a tab is used for indentation",
            "use spaces; most editors can convert tabs",
            origin=Origin(file, place.line, tab.end()),
        )
    if "undefined tag handle" in found.problem:
        return Diagnostic(
            Code.TAG,
            "a YAML tag of an unknown kind",
            "remove the tag, or quote text that begins with !",
            origin=place,
        )
    if found.context == _OPEN_QUOTE and ("end of stream" in found.problem or "document ind" in found.problem):
        opened = Origin(file, base + found.context_line + 1, found.context_column + 1)
        return Diagnostic(Code.SYNTAX, "the quote that opens here is never closed", "close it", origin=opened)
    for words, summary, remedy in _SENTENCES:
        if words in found.problem:
            return Diagnostic(Code.SYNTAX, summary, remedy, origin=place)
    return Diagnostic(Code.SYNTAX, f"the text is not YAML here: {found.problem}", _QUOTE, origin=place)
