"""The child that opens what strangers handed in: it imports no Django, has a memory limit, and ends after one request.

Run as a program: one JSON request on standard input, one JSON answer on standard output. Only the parts that a
request needs are imported. Reading a hostile PDF or image can at worst end this process.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

MEMORY_BYTES = 2 * 1024**3
CPU_SECONDS = 30
#: Names that make a PDF do something of its own accord.
ACTIVE = frozenset(
    {
        "/JavaScript", "/JS", "/Launch", "/EmbeddedFile", "/EmbeddedFiles", "/RichMedia", "/XFA", "/SubmitForm",
        "/ImportData", "/GoToE", "/GoToR", "/Movie", "/Sound", "/3D",
    }
)  # fmt: skip
MAX_OBJECTS = 300_000
INK = 96
OPACITY = 0.22
SLANT = 24
PDF_DOTS_PER_INCH = 110


class Unfit(Exception):
    """The file is not taken: ``encrypted``, ``active``, ``large``, or ``broken``."""


def inspect(request: dict[str, Any]) -> dict[str, Any]:
    """Open the whole file once: pages of a PDF, width and height of an image."""
    if request["kind"] == "pdf":
        return {"pages": _inspect_pdf(request["path"], request["max_pages"])}
    image = _open_image(request)
    return {"pages": 1, "width": image.width, "height": image.height}


def _inspect_pdf(path: str, most: int) -> int:
    import pypdf
    import pypdfium2

    reader = pypdf.PdfReader(path)
    if reader.is_encrypted:
        raise Unfit("encrypted")
    _look_for_actions(reader)
    document = pypdfium2.PdfDocument(path)
    if not 0 < len(document) <= most:
        raise Unfit("large" if len(document) else "broken")
    document[0].render(scale=0.2)
    return len(document)


def _look_for_actions(reader: Any) -> None:
    """Walk every object that the trailer reaches; a name of ``ACTIVE`` as key or as kind of action is enough."""
    from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject

    waiting, seen = [reader.trailer], set()
    while waiting:
        thing = waiting.pop()
        if isinstance(thing, IndirectObject):
            if (thing.idnum, thing.generation) in seen:
                continue
            seen.add((thing.idnum, thing.generation))
            if len(seen) > MAX_OBJECTS:
                raise Unfit("large")
            thing = thing.get_object()
        if isinstance(thing, DictionaryObject):
            kinds = {str(thing.raw_get(key)) for key in ("/S", "/Subtype", "/Type") if _is_name(thing, key, NameObject)}
            if ACTIVE & (kinds | set(thing)):
                raise Unfit("active")
            waiting += [thing.raw_get(key) for key in thing]
        elif isinstance(thing, ArrayObject):
            waiting += list(thing)


def _is_name(thing: Any, key: str, name_type: type) -> bool:
    return key in thing and isinstance(thing.raw_get(key), name_type)


def _open_image(request: dict[str, Any]) -> Any:
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = None
    with Image.open(request["path"], formats=[request["kind"].upper()]) as image:
        if image.width * image.height > request["max_pixels"]:
            raise Unfit("large")
        image.load()
        return ImageOps.exif_transpose(image)


def preview(request: dict[str, Any]) -> dict[str, Any]:
    """One page as PNG, at most ``width`` pixels wide, the watermark burnt in."""
    if request["kind"] == "pdf":
        import pypdfium2

        page = pypdfium2.PdfDocument(request["path"])[request["page"] - 1]
        scale = min(request["width"] / max(page.get_width(), 1), 2400 / max(page.get_height(), 1), 4)
        image = page.render(scale=scale).to_pil()
    else:
        image = _open_image(request)
        image.thumbnail((request["width"], 2400))
    _marked(image, request).save(request["out"], "PNG")
    return {}


def stamp(request: dict[str, Any]) -> dict[str, Any]:
    """The whole file with the watermark, as it is handed out; of an image nothing but the picture is kept."""
    if request["kind"] == "pdf":
        _stamp_pdf(request)
        return {}
    marked = _marked(_open_image(request), request)
    if request["kind"] == "png":
        marked.save(request["out"], "PNG")
    else:
        marked.save(request["out"], "JPEG", quality=88)
    return {}


def _marked(image: Any, request: dict[str, Any]) -> Any:
    from PIL import Image

    flat = Image.new("RGB", image.size, "white")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        seen = image.convert("RGBA")
        flat.paste(seen, mask=seen.getchannel("A"))
    else:
        flat.paste(image.convert("RGB"))
    mask = _mask(flat.size, request).point(lambda value: int(value * OPACITY))
    flat.paste((INK, INK, INK), mask=mask)
    return flat


def _mask(size: tuple[int, int], request: dict[str, Any]) -> Any:
    """The words, tiled aslant over an area of that size: 255 where there is ink."""
    from PIL import Image, ImageDraw, ImageFont

    width, height = size
    letters = max(11, min(width, height) // 34)
    if request["font"]:
        font = ImageFont.truetype(request["font"], letters, index=request["font_index"])
    else:
        font = ImageFont.load_default(letters)
    left, top, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).textbbox((0, 0), request["words"], font=font)
    tile = Image.new("L", (int(right - left) + letters * 3, int(bottom - top) + letters * 4), 0)
    ImageDraw.Draw(tile).text((letters - left, letters * 2 - top), request["words"], fill=255, font=font)
    tile = tile.rotate(SLANT, expand=True, resample=Image.Resampling.BILINEAR)
    mask = Image.new("L", size, 0)
    step_x, step_y = max(1, int(tile.width * 0.98)), max(1, int(tile.height * 0.62))
    for row, y in enumerate(range(-tile.height // 2, height, step_y)):
        shift = -(step_x // 2) if row % 2 else 0
        for x in range(shift, width, step_x):
            lighter = tile.crop((max(0, -x), max(0, -y), tile.width, tile.height))
            mask.paste(255, (max(0, x), max(0, y)), lighter)
    return mask


def _stamp_pdf(request: dict[str, Any]) -> None:
    """Lay a stencil of the words over each page: a one-bit mask, painted half-transparent."""
    import pypdf
    from pypdf.generic import ContentStream, DictionaryObject, FloatObject, NameObject

    writer = pypdf.PdfWriter(clone_from=request["path"])
    stencils: dict[tuple[int, int], Any] = {}
    for page in writer.pages:
        page.transfer_rotation_to_content()
        box = page.mediabox
        width, height = float(box.width), float(box.height)
        size = (max(1, int(width * PDF_DOTS_PER_INCH / 72)), max(1, int(height * PDF_DOTS_PER_INCH / 72)))
        if size not in stencils:
            stencils[size] = writer._add_object(_stencil(size, request))
        sheet = pypdf.PageObject.create_blank_page(writer, width, height)
        ink = DictionaryObject({NameObject("/ca"): FloatObject(OPACITY)})
        sheet[NameObject("/Resources")] = DictionaryObject(
            {
                NameObject("/XObject"): DictionaryObject({NameObject("/JinmaiMark"): stencils[size]}),
                NameObject("/ExtGState"): DictionaryObject({NameObject("/JinmaiInk"): ink}),
            }
        )
        content = ContentStream(None, writer)
        paint = f"q /JinmaiInk gs {INK / 255:.3f} g {width:.3f} 0 0 {height:.3f} 0 0 cm /JinmaiMark Do Q"
        content.set_data(paint.encode())
        sheet[NameObject("/Contents")] = content
        shift = pypdf.Transformation().translate(float(box.left), float(box.bottom))
        page.merge_transformed_page(sheet, shift)
    writer.write(request["out"])


def _stencil(size: tuple[int, int], request: dict[str, Any]) -> Any:
    from PIL import ImageChops
    from pypdf.generic import ArrayObject, BooleanObject, NameObject, NumberObject, StreamObject

    bits = ImageChops.invert(_mask(size, request)).convert("1", dither=0).tobytes()  # 0 paints
    stencil = StreamObject()
    stencil._data = bits
    stencil.update(
        {
            NameObject("/Type"): NameObject("/XObject"),
            NameObject("/Subtype"): NameObject("/Image"),
            NameObject("/Width"): NumberObject(size[0]),
            NameObject("/Height"): NumberObject(size[1]),
            NameObject("/ImageMask"): BooleanObject(True),
            NameObject("/BitsPerComponent"): NumberObject(1),
            NameObject("/Decode"): ArrayObject([NumberObject(0), NumberObject(1)]),
        }
    )
    return stencil.flate_encode()


VERBS = {"inspect": inspect, "preview": preview, "stamp": stamp}


def main() -> None:
    """Answer the one request on standard input."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    request = json.load(sys.stdin)
    try:
        answer = {"done": VERBS[request["verb"]](request)}
    except Unfit as unfit:
        answer = {"unfit": str(unfit)}
    except Exception as fault:  # whatever a reader raises on a broken file: the file is not taken
        answer = {"unfit": "broken", "fault": type(fault).__name__}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
