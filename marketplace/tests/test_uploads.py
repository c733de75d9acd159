"""Files from strangers, honest ones and attacks."""

import hashlib
import io
import queue
import random
import struct
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import ExifTags, Image

from marketplace.uploads import (
    MAX_PIXELS,
    Busy,
    UploadError,
    check_attachment,
    check_picture,
    check_receipt,
    check_shown_file,
    check_size,
    display_name,
    drawing,
    encode_image,
    open_image,
    pictures,
    private_storage,
    random_name,
    sniff,
)

pytestmark = pytest.mark.once

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
HTML = b"<!doctype html><html><script>alert(document.domain)</script></html>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


def upload(data: bytes, name: str = "file.png", content_type: str = "image/png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type)


def halves(mode: str = "RGB", size: tuple[int, int] = (60, 40)) -> Image.Image:
    """A picture whose left half is red and right half blue, so that turning it shows."""
    picture = Image.new("RGB", size, "blue")
    picture.paste("red", (0, 0, size[0] // 2, size[1]))
    return picture.convert(mode)


def saved(picture: Image.Image, format: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, format, **options)
    return out.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb(width: int, height: int) -> bytes:
    """A tiny PNG that says it is enormous; its rows are never even there."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def colour(picture: Image.Image, place: tuple[int, int]) -> str:
    red, _green, blue = picture.convert("RGB").getpixel(place)
    return "red" if red > 150 > blue else "blue" if blue > 150 > red else f"{red}/{blue}"


# Sizes


def test_an_empty_file_is_refused():
    with pytest.raises(UploadError, match="This file is empty"):
        check_size(upload(b""))


def test_a_file_over_the_limit_is_refused_and_one_at_the_limit_is_read(settings: Any):
    settings.MAX_UPLOAD_BYTES = 2 * 1024**2
    assert len(check_size(upload(bytes(2 * 1024**2)))) == 2 * 1024**2
    with pytest.raises(UploadError, match="at most 2 MB"):
        check_size(upload(bytes(2 * 1024**2 + 1)))
    with pytest.raises(UploadError, match="at most 1 MB"):
        check_size(upload(bytes(1024**2 + 1)), limit=1024**2)


def test_a_file_read_before_is_read_from_its_beginning():
    file = upload(b"hello")
    file.read()
    assert check_size(file) == b"hello"


# Pictures


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_honest_pictures_open(format: str):
    picture = open_image(saved(halves(), format))
    assert (picture.size, picture.mode, colour(picture, (5, 5)), colour(picture, (55, 5))) == ((60, 40), "RGB", "red", "blue")


@pytest.mark.parametrize(
    "data",
    [
        HTML,
        SVG,
        PDF,
        b"",
        b"\x89PNG",
        b"GIF89a",
        saved(halves(), "GIF"),
        saved(halves(), "BMP"),
        saved(halves(), "TIFF"),
        bytes(500),
    ],
)
def test_what_is_no_picture_is_refused_whatever_its_name(data: bytes):
    with pytest.raises(UploadError) as refusal:
        open_image(data)
    assert refusal.value.code == "invalid_file"


def test_a_picture_with_a_page_behind_it_comes_out_without_the_page():
    encoded = encode_image(open_image(saved(halves(), "PNG") + HTML), "PNG")
    assert b"script" not in encoded


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_a_truncated_picture_is_refused(format: str):
    data = saved(Image.effect_noise((300, 300), 80).convert("RGB"), format)
    with pytest.raises(UploadError, match="damaged"):
        open_image(data[: len(data) // 2])


@pytest.mark.parametrize("kind", [b"iCCP", b"pHYs", b"gAMA"])
def test_a_png_with_an_empty_chunk_before_its_end_is_refused(kind: bytes):
    data = saved(halves(), "PNG")
    end = data.index(b"IEND") - 4
    with pytest.raises(UploadError, match="damaged"):
        open_image(data[:end] + chunk(kind, b"") + data[end:])


@pytest.mark.parametrize("size", [(12_000, 12_000), (5_001, 5_000), (60_000, 60_000), (2_000_000, 13)])
def test_a_decompression_bomb_is_refused_before_it_unpacks(size: tuple[int, int]):
    data = bomb(*size)
    assert len(data) < 200
    with pytest.raises(UploadError, match="too many pixels"):
        open_image(data)


def test_a_moving_webp_of_enormous_canvas_is_refused():
    data = bytearray(saved(halves(), "WEBP", save_all=True, append_images=[halves().rotate(180)]))
    canvas = data.index(b"VP8X") + 12
    data[canvas : canvas + 6] = (16_382).to_bytes(3, "little") * 2
    with pytest.raises(UploadError):
        open_image(bytes(data))


def test_a_picture_at_the_limit_of_pixels_opens():
    assert open_image(saved(Image.new("1", (5_000, MAX_PIXELS // 5_000)), "PNG")).size == (5_000, 5_000)


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_of_a_moving_picture_the_first_frame_stays(format: str):
    data = saved(halves(), format, save_all=True, append_images=[halves().rotate(180)])
    picture = open_image(data)
    assert (colour(picture, (5, 5)), getattr(picture, "n_frames", 1)) == ("red", 1)


@pytest.mark.parametrize(
    ("orientation", "corner"),
    [(1, "red"), (2, "blue"), (3, "blue"), (4, "red"), (5, "red"), (6, "red"), (7, "blue"), (8, "blue"), (99, "red")],
)
def test_a_turned_picture_stands_upright(orientation: int, corner: str):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    picture = open_image(saved(halves(), "JPEG", exif=exif, quality=95))
    assert (picture.size, colour(picture, (3, 3))) == ((40, 60) if 5 <= orientation <= 8 else (60, 40), corner)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_comments_places_and_profiles_stay_behind(format: str):
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "taken in my kitchen"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    options: dict[str, Any] = {"exif": exif, "icc_profile": b"kitchen profile"}
    if format == "JPEG":
        options["comment"] = b"my kitchen"
    original = saved(halves(), format, **options)
    picture = open_image(original)
    assert b"kitchen" in original
    assert (picture.info, dict(picture.getexif())) == ({}, {})
    for kind in ("PNG", "JPEG", "WEBP"):
        assert b"kitchen" not in encode_image(picture, kind)


@pytest.mark.parametrize(
    ("picture", "mode"),
    [
        (halves("1"), "RGB"),
        (halves("L"), "RGB"),
        (halves("P"), "RGB"),
        (halves("LA"), "RGBA"),
        (halves("RGBA"), "RGBA"),
    ],
)
def test_other_kinds_of_pixels_become_plain_ones(picture: Image.Image, mode: str):
    assert open_image(saved(picture, "PNG")).mode == mode


def test_sixteen_bits_of_grey_stay_grey():
    picture = open_image(saved(Image.new("I;16", (10, 10), 0x8000), "PNG"))
    assert (picture.mode, picture.getpixel((5, 5))) == ("RGB", (128, 128, 128))


def test_print_colours_become_screen_colours():
    assert open_image(saved(halves("CMYK"), "JPEG")).mode == "RGB"


def test_see_through_pixels_of_a_palette_stay_see_through():
    picture = Image.new("P", (10, 10), 3)
    picture.putpalette([10, 20, 30] * 10)
    assert open_image(saved(picture, "PNG", transparency=3)).getpixel((5, 5)) == (10, 20, 30, 0)


@pytest.mark.filterwarnings("ignore")
def test_damaged_bytes_end_in_a_picture_or_a_refusal():
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    seeds = [saved(halves(), format, exif=exif) for format in ("PNG", "JPEG", "WEBP")]
    dice = random.Random(7)
    opened = 0
    for _ in range(600):
        data = bytearray(dice.choice(seeds))
        for _ in range(dice.randint(1, 4)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        try:
            open_image(bytes(data))
        except UploadError:
            continue
        opened += 1
    assert opened > 0


# Pictures that would keep a core busy


def segment(marker: int, body: bytes = b"") -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def with_scans(more: int) -> bytes:
    """A progressive JPEG whose last scan stands there so many times more."""
    data = saved(halves(), "JPEG", progressive=True)
    return data[:-2] + data[data.rindex(b"\xff\xda") : -2] * more + data[-2:]


JPEG, PNG = saved(halves(), "JPEG"), saved(halves(), "PNG")


@pytest.mark.parametrize(
    "data",
    [
        with_scans(300),
        JPEG[:2] + segment(0xFE) * 300 + JPEG[2:],
        JPEG[:2] + b"\xff\xd0" * 3_000 + JPEG[2:],
        JPEG[:2] + b"\xff" * 6_000 + JPEG[2:],
        JPEG[:2] + (b"\xff\xd8" + segment(0xFE) * 16_000) * 2 + JPEG[2:],
        JPEG[:2] + b"\xff\xd9" + segment(0xFE) * 300 + JPEG[2:],
        PNG[:33] + chunk(b"prVt", b"") * 20_000 + PNG[33:],
    ],
    ids=["scans", "comments", "restarts", "padding", "beginnings", "an end before the beginning", "chunks"],
)
def test_a_picture_of_endless_parts_is_refused_before_it_is_read(data: bytes):
    with pytest.raises(UploadError, match="too many parts"):
        open_image(data)


def test_the_parts_that_cameras_and_phones_write_are_not_too_many():
    film = random.Random(7).randbytes(2_000_000)  # a moving photo: its JPEG, and a film behind it
    profile, pad = segment(0xE2, b"ICC_PROFILE\0" + bytes(65_000)) * 40, b"\xff" * 500
    for data in (
        with_scans(20),
        JPEG + film,
        JPEG[:2] + profile + pad + JPEG[2:],
        PNG + film,
        PNG[:33] + chunk(b"prVt", b"x") * 5_000 + PNG[33:],
    ):
        assert open_image(data).size == (60, 40)


@pytest.mark.parametrize("turn", [1, 6])
def test_who_needs_a_small_picture_gets_a_large_jpeg_smaller_but_never_too_small(turn: int):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turn
    data = saved(halves(size=(2400, 1600)), "JPEG", exif=exif)
    small = open_image(data, least=300)
    assert sorted(small.size) == [400, 600]
    assert sorted(open_image(data, least=1_601).size) == [1600, 2400]
    assert colour(small, (3, 3)) == colour(open_image(data), (3, 3)) == "red"


def test_one_picture_is_drawn_at_a_time_and_who_waits_too_long_is_told_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pictures, "LONGEST_WAIT", 0.01)
    checks: list[Callable[[Any], Any]] = [
        check_receipt,
        lambda file: check_picture(file, widths=(400,)),
        lambda file: check_shown_file(file, limit=10_000),
    ]
    with drawing():
        for check in checks:
            with pytest.raises(Busy) as refusal:
                check(upload(PNG))
            assert (refusal.value.code, "Wait a minute" in refusal.value.message) == ("busy", True)
        assert check_receipt(upload(PDF)).content_type == "application/pdf"
    for check in checks:
        check(upload(PNG))


def test_only_so_many_wait_for_their_turn_and_the_others_are_told_at_once():
    faults: queue.Queue[BaseException] = queue.Queue()

    def hand_in() -> str:
        try:
            return check_receipt(upload(PNG)).content_type
        except Busy as busy:
            faults.put(busy)
            return "busy"

    with ThreadPoolExecutor(pictures.MOST_WAITING + 2) as pool:
        with drawing():
            answers = [pool.submit(hand_in) for _n in range(pictures.MOST_WAITING + 2)]
            for _refused in range(2):
                faults.get(timeout=pictures.LONGEST_WAIT / 2)  # while the others wait for this turn to end
        assert sorted(answer.result() for answer in answers) == ["busy"] * 2 + ["image/png"] * pictures.MOST_WAITING


def test_of_one_person_few_pictures_are_drawn_or_wait_and_the_others_have_their_turn(monkeypatch: pytest.MonkeyPatch):
    def hand_in(person: str) -> None:
        monkeypatch.setattr(pictures, "who_asks", lambda: person)
        check_receipt(upload(PNG))

    monkeypatch.setattr(pictures, "_desk", threading.BoundedSemaphore(9))
    monkeypatch.setattr(pictures, "who_asks", lambda: "amara")
    with ExitStack() as held:
        for _n in range(pictures.MOST_OF_ONE):
            held.enter_context(drawing())
        with pytest.raises(Busy, match="of yours"):
            hand_in("amara")
        hand_in("li")
        hand_in("")
    hand_in("amara")
    assert not pictures._whose


def test_a_refused_picture_gives_its_turn_back(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pictures, "LONGEST_WAIT", 0.01)
    for _n in range(2):
        with pytest.raises(UploadError, match="damaged"):
            check_receipt(upload(PNG[:60]))


# Pictures in widths


def test_a_large_picture_becomes_one_webp_a_width():
    picture = check_picture(upload(saved(halves(size=(2000, 1000)), "JPEG")), widths=(400, 800, 1600))
    assert (picture.width, picture.height) == (1600, 800)
    sizes = {width: Image.open(io.BytesIO(data)) for width, data in picture.files.items()}
    assert {width: (image.format, image.size) for width, image in sizes.items()} == {
        400: ("WEBP", (400, 200)),
        800: ("WEBP", (800, 400)),
        1600: ("WEBP", (1600, 800)),
    }


def test_a_small_picture_is_never_blown_up():
    picture = check_picture(upload(saved(halves(size=(500, 300)), "PNG")), widths=(400, 800, 1600))
    assert (picture.width, picture.height) == (500, 300)
    assert [Image.open(io.BytesIO(picture.files[width])).size for width in (400, 800, 1600)] == [
        (400, 240),
        (500, 300),
        (500, 300),
    ]


@pytest.mark.parametrize("size", [(2_000, 499), (499, 2_000), (1, 5)])
def test_a_strip_is_refused(size: tuple[int, int]):
    with pytest.raises(UploadError, match="too narrow"):
        check_picture(upload(saved(halves(size=size), "PNG")), widths=(400,))


# Receipts


@pytest.mark.parametrize(("format", "content_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")])
def test_a_receipt_is_drawn_afresh_and_remembers_what_was_handed_in(format: str, content_type: str):
    data = saved(halves(), format)
    kept = check_receipt(upload(data, "Receipt of May.png"))
    assert (kept.content_type, kept.display_name) == (content_type, "Receipt_of_May.png")
    assert kept.sha256 == hashlib.sha256(data).hexdigest()
    assert kept.size == len(kept.content.read())
    assert kept.stored_name.endswith(f".{format.lower()}")


def test_a_pdf_receipt_is_kept_byte_for_byte():
    kept = check_receipt(upload(PDF, "r.pdf", "application/pdf"))
    assert (kept.content.read(), kept.content_type, kept.stored_name[-4:]) == (PDF, "application/pdf", ".pdf")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("receipt.png", HTML),
        ("receipt.pdf", HTML),
        ("receipt.pdf", b""),
        ("receipt.pdf", b"%PDF" + HTML),
        ("receipt.pdf", b"%PDF-1.7" + HTML),
        ("receipt.pdf", PDF[: len(PDF) // 2]),
        ("receipt.svg", SVG),
        ("receipt.gif", saved(halves(), "GIF")),
        ("receipt.png", bomb(12_000, 12_000)),
        ("receipt.zip", b"PK\x03\x04" + bytes(50)),
        ("receipt.png", bytes(10 * 1024**2 + 1)),
    ],
)
def test_a_receipt_that_is_none_is_refused(name: str, data: bytes):
    with pytest.raises(UploadError):
        check_receipt(upload(data, name))


# Work


@pytest.mark.parametrize("data", [HTML, SVG, PDF, b"plain", saved(halves(), "PNG")])
def test_work_of_any_kind_is_kept_byte_for_byte(data: bytes):
    kept = check_attachment(upload(data, "work.bin"))
    assert (kept.content.read(), kept.size, kept.sha256) == (data, len(data), hashlib.sha256(data).hexdigest())
    assert kept.content_type == (sniff(data) or "application/octet-stream")


def test_empty_work_is_refused():
    with pytest.raises(UploadError):
        check_attachment(upload(b""))


# Names


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("logo final.png", "logo_final.png"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\win.ini", "win.ini"),
        ("/etc/passwd", "passwd"),
        ("C:\\fakepath\\me.jpg", "me.jpg"),
        (".htaccess", "htaccess"),
        ("..", "file"),
        (".", "file"),
        ("", "file"),
        ("///", "file"),
        ("   ", "file"),
        ("شعار.png", "شعار.png"),
        ('a"b;c\r\nSet-Cookie: x.png', "abcSet-Cookie_x.png"),
        ("gnp\u202egpj.exe", "gnpgpj.exe"),
        ("nul\x00l.png", "null.png"),
        ("<script>.png", "script.png"),
        ("नमस्ते.png", "नमस्ते.png"),
        ("re\u0301sume\u0301.pdf", "résumé.pdf"),
        ("\u3164\u115f\u1160\uffa0\u2800", "file"),
    ],
)
def test_a_name_is_made_fit_to_show(name: str, shown: str):
    assert display_name(name) == shown


def test_a_long_name_keeps_its_end():
    assert display_name("x" * 500 + ".png") == "x" * 116 + ".png"
    assert display_name("ñ" * 255 + ".png") == "ñ" * 116 + ".png"


@pytest.mark.parametrize("check", [check_receipt, check_attachment])
def test_the_stored_name_owes_nothing_to_the_persons(check: Callable[..., Any]):
    one, two = (check(upload(PDF, "../../secret.pdf")) for _ in range(2))
    assert one.stored_name != two.stored_name
    assert (len(one.stored_name), one.stored_name[32:]) == (36, ".pdf")
    assert "/" not in one.stored_name


def test_random_names_differ():
    assert len({random_name(".png") for _ in range(100)}) == 100


def test_private_files_lie_outside_the_public_folder(settings: Any):
    assert Path(settings.MEDIA_ROOT) not in Path(private_storage().path("x")).parents
