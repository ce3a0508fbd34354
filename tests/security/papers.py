"""Files as somebody hands them in: sound ones of each kind, made here, and what hostile ones are made of."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
CONTENT_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/{part}" ContentType="{kind}"/></Types>'
)


def upload(name: str, content: bytes) -> SimpleUploadedFile:
    """An upload as Django hands it to a view."""
    return SimpleUploadedFile(name, content)


def picture(kind: str, size: tuple[int, int] = (60, 40), colour: str = "white") -> bytes:
    """A sound PNG or JPEG."""
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, kind)
    return stream.getvalue()


def pdf(pages: int = 1, **catalog: Any) -> bytes:
    """A sound PDF of blank pages; keyword arguments go into its catalogue."""
    import pypdf
    from pypdf.generic import NameObject

    writer = pypdf.PdfWriter()
    for _page in range(pages):
        writer.add_blank_page(595, 842)
    for name, value in catalog.items():
        writer.root_object[NameObject(f"/{name}")] = value
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


def written_pdf(text: str) -> bytes:
    """A sound PDF with these Latin letters on its page, the page's content packed, so that its bytes don't hold them."""
    import pypdf
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = pypdf.PdfWriter()
    page = writer.add_blank_page(595, 842)
    font = {"Type": "Font", "Subtype": "Type1", "BaseFont": "Helvetica"}
    named = DictionaryObject({NameObject(f"/{key}"): NameObject(f"/{value}") for key, value in font.items()})
    fonts = DictionaryObject({NameObject("/F1"): named})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    drawn = DecodedStreamObject()
    drawn.set_data(f"BT /F1 14 Tf 72 720 Td ({text}) Tj ET".encode("ascii"))
    page[NameObject("/Contents")] = writer._add_object(drawn.flate_encode())
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


def sheet() -> bytes:
    """A sound XLSX."""
    from openpyxl import Workbook

    stream = io.BytesIO()
    book = Workbook()
    book.active.append(["项目", "金额"])
    book.save(stream)
    return stream.getvalue()


def archive(parts: dict[str, bytes | str], *, base: bytes | None = None) -> bytes:
    """A ZIP with these parts, laid after those of ``base``."""
    stream = io.BytesIO(base or b"")
    with zipfile.ZipFile(stream, "a" if base else "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return stream.getvalue()


def text_document() -> bytes:
    """The smallest DOCX."""
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    return archive(
        {
            "[Content_Types].xml": CONTENT_TYPES.format(part="word/document.xml", kind=kind),
            "_rels/.rels": "<Relationships/>",
            "word/document.xml": "<document/>",
        }
    )
