"""Files from strangers. What apps and the rest of the kernel need of them is named here."""

from marketplace.uploads.checks import UploadError, check_size, display_name, random_name, sniff
from marketplace.uploads.files import CheckedFile, Preview, check_attachment, check_receipt, check_shown_file
from marketplace.uploads.keeping import discard_files_on_error, discard_on_error, private_storage
from marketplace.uploads.pictures import (
    IMAGE_TYPES,
    MAX_PIXELS,
    Busy,
    CheckedPicture,
    check_picture,
    drawing,
    encode_image,
    no_drawing,
    open_image,
    picture_in_widths,
)

__all__ = [
    "IMAGE_TYPES",
    "MAX_PIXELS",
    "Busy",
    "CheckedFile",
    "CheckedPicture",
    "Preview",
    "UploadError",
    "check_attachment",
    "check_picture",
    "check_receipt",
    "check_shown_file",
    "check_size",
    "discard_files_on_error",
    "discard_on_error",
    "display_name",
    "drawing",
    "encode_image",
    "no_drawing",
    "open_image",
    "picture_in_widths",
    "private_storage",
    "random_name",
    "sniff",
]
