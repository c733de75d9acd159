"""Papers of the demo's orders: receipts that look like bank slips, and small real files of finished work."""

import io
import math
import struct
import textwrap
import wave
import zipfile
from random import Random

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw, ImageFont

from marketplace.demo.canvas import Palette, gradient
from marketplace.uploads import encode_image

PAPERS = ("#fbfaf6", "#f6f8fb", "#fbf6f3", "#f4f8f4")
INKS = ("#14433a", "#1f2f6b", "#7a2d12", "#2b2b33")
Lines = list[tuple[str, str]]


def slip(*, bank: str, lines: Lines, die: Random, plain: bool = False) -> SimpleUploadedFile:
    """A receipt: a photographed slip (JPEG), a screenshot (PNG) or a bank's PDF; a `plain` one is a PDF, which is made fast."""
    if plain or die.random() < 0.25:
        body = "\n".join(f"{name + ':':22} {value}" for name, value in lines)
        return SimpleUploadedFile("transfer-confirmation.pdf", pdf(bank, body), "application/pdf")
    picture = _draw_slip(bank, lines, die)
    if die.random() < 0.85:
        return SimpleUploadedFile("slip.jpg", encode_image(picture, "JPEG"), "image/jpeg")
    return SimpleUploadedFile("receipt.png", encode_image(picture, "PNG"), "image/png")


def _draw_slip(bank: str, lines: Lines, die: Random) -> Image.Image:
    width, height = 640, 340 + 62 * len(lines)
    picture, ink = Image.new("RGB", (width, height), die.choice(PAPERS)), die.choice(INKS)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, width, 96), fill=ink)
    pen.ellipse((40, 26, 84, 70), fill=None, outline="#ffffff", width=5)
    turn = die.randrange(360)
    pen.pieslice((40, 26, 84, 70), turn, turn + die.choice([120, 180, 240]), fill="#ffffff")
    pen.text((104, 48), bank, fill="#ffffff", font=_font(30), anchor="lm")
    pen.text((40, 132), "Payment receipt", fill=ink, font=_font(34))
    top = 244
    for name, value in lines:
        pen.text((40, top), name, fill="#6c7178", font=_font(19))
        pen.text((width - 40, top), value, fill="#1d2126", font=_font(23), anchor="ra")
        pen.line((40, top + 40, width - 40, top + 40), fill="#d8dade", width=2)
        top += 62
    _stamp(picture, ink, die)
    pen.text((40, height - 44), "Demonstration document. No money was moved.", fill="#80858c", font=_font(17))
    return picture


def _stamp(picture: Image.Image, ink: str, die: Random) -> None:
    stamp = Image.new("RGBA", (230, 96), "#00000000")
    pen = ImageDraw.Draw(stamp)
    pen.rounded_rectangle((3, 3, 226, 92), 14, outline=ink, width=5)
    pen.text((115, 48), "EXECUTED", fill=ink, font=_font(34), anchor="mm")
    turned = stamp.rotate(die.uniform(4, 13), expand=True, resample=Image.Resampling.BICUBIC)
    turned.putalpha(turned.getchannel("A").point(lambda level: level * 6 // 10))
    picture.paste(turned, (picture.width - turned.width - 30, 104), turned)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def pdf(title: str, body: str) -> bytes:
    """A one-page PDF with a title and lines of text (Latin letters)."""
    lines = [part for line in body.splitlines() for part in (textwrap.wrap(line, 78) or [""])][:44]
    text = [f"BT /F1 20 Tf 60 770 Td ({_escape(title)}) Tj ET", "BT /F2 10 Tf 60 735 Td 15 TL"]
    text += [f"({_escape(line)}) Tj T*" for line in lines] + ["ET"]
    stream = "\n".join(text).encode("latin-1", "replace")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 6 0 R "
        b"/Resources << /Font << /F1 4 0 R /F2 5 0 R >> >> >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
    ]
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def work(*, shelf: str, title: str, note: str, number: int, palette: Palette, die: Random) -> list[SimpleUploadedFile]:
    """The files of one delivery, fitting the top category of the gig."""
    letter = f"{title}\n\nDelivery {number}\n\n{note}\n\nThis file belongs to a demonstration.\n"
    version = f"v{number}"
    match shelf:
        case "design":
            inside = {"read-me.txt": letter.encode(), "mark.svg": _svg(palette), "colours.css": _css(palette)}
            files = {f"artwork-{version}.zip": _zip(inside), f"preview-{version}.png": _preview(palette)}
        case "software":
            inside = {"README.md": letter.encode(), "run.py": _SCRIPT, "test_run.py": _TEST}
            files = {f"project-{version}.zip": _zip(inside)}
        case "writing" | "translation":
            files = {f"text-{version}.pdf": pdf(title[:52], letter), f"changes-{version}.txt": letter.encode()}
        case "film-and-animation":
            files = {f"stills-{version}.png": _preview(palette), f"captions-{version}.srt": _SUBTITLES}
        case "music-and-voice":
            files = {f"take-{version}.wav": _tone(die.choice([220, 262, 330]))}
        case _:
            files = {f"figures-{version}.csv": _table(die), f"summary-{version}.pdf": pdf(title[:52], letter)}
    return [SimpleUploadedFile(name, content) for name, content in files.items()]


_SCRIPT = (
    b'"""Sorts the orders of the week."""\n\n\ndef late(orders, today):\n    return [o for o in orders if o["due"] < today]\n'
)
_TEST = b"from run import late\n\n\ndef test_an_order_due_today_is_not_late():\n    assert late([{'due': 5}], 5) == []\n"
_SUBTITLES = (
    b"1\n00:00:01,000 --> 00:00:03,200\n(kettle boils)\n\n2\n00:00:03,600 --> 00:00:06,400\nShe was up before the bread.\n"
)


def _zip(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


def _svg(palette: Palette) -> bytes:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96"><circle cx="48" cy="48" r="40" fill="{palette.deep}"/>'
        f'<path d="M48 8a40 40 0 0 1 0 80z" fill="{palette.accent}"/></svg>\n'
    ).encode()


def _css(palette: Palette) -> bytes:
    return f":root {{ --paper: {palette.paper}; --deep: {palette.deep}; --accent: {palette.accent}; }}\n".encode()


def _preview(palette: Palette) -> bytes:
    picture = gradient((480, 320), palette.paper, palette.soft)
    pen = ImageDraw.Draw(picture)
    pen.ellipse((150, 70, 330, 250), fill=palette.deep)
    pen.pieslice((150, 70, 330, 250), -90, 90, fill=palette.accent)
    return encode_image(picture, "PNG")


def _tone(pitch: int) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        levels = (int(9000 * math.sin(math.tau * pitch * n / 8000) * (1 - n / 6000)) for n in range(6000))
        sound.writeframes(b"".join(struct.pack("<h", level) for level in levels))
    return out.getvalue()


def _table(die: Random) -> bytes:
    rows = [f"2026-{month:02},{die.randrange(2100, 5200)},{die.randrange(1500, 4100)}" for month in range(1, 13)]
    return ("month,in,out\n" + "\n".join(rows) + "\n").encode()
