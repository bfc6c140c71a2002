"""A page of text as a PDF file (ISO 32000-1), with one of the fonts that every reader has."""

from __future__ import annotations

from collections.abc import Iterable


def pdf(lines: Iterable[str]) -> bytes:
    """One A4 page; what is not in Latin-1 becomes a question mark."""
    operators = b"".join(b"(%s) Tj T*\n" % _text(line) for line in lines)
    content = b"BT /F1 12 Tf 20 TL 60 780 Td\n%sET" % operators
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    file = b"%PDF-1.4\n"
    offsets = []
    for number, each in enumerate(objects, 1):
        offsets.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    count = len(objects) + 1
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return (
        file
        + b"xref\n0 %d\n0000000000 65535 f \n%s" % (count, table)
        + trailer
        % (
            count,
            len(file),
        )
    )


def _text(line: str) -> bytes:
    encoded = line.encode("cp1252", "replace")
    return encoded.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
