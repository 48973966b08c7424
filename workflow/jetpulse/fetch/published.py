"""The checksum that an archive itself publishes, for files that have none in the table."""

import re
from urllib.parse import urlsplit

import pooch
import requests

from jetpulse.fetch.sources import archive_name
from jetpulse.fetch.transfer import Log, Patience, TransferError, open_session


def published_checksum(url: str, patience: Patience, log: Log) -> str:
    """Return the checksum of a file in the archive's own records, empty where it keeps none or does not answer.

    Zenodo publishes md5 (asked through pooch), Hugging Face sha256 in a header.
    """
    host = urlsplit(url).hostname
    try:
        if host == "zenodo.org":
            return _of_zenodo(url)
        if host == "huggingface.co":
            return _of_hugging_face(url, patience)
    except (requests.RequestException, TransferError, ValueError, KeyError, TypeError) as error:
        log(f"{host} was asked for its checksum and gave none ({type(error).__name__})")
    return ""


def _of_zenodo(url: str) -> str:
    record = re.search(r"/records?/(\d+)/files/", url)
    if not record:
        return ""
    registry = pooch.create(path=".", base_url=f"doi:10.5281/zenodo.{record[1]}", registry=None)
    registry.load_registry_from_doi()
    return _checked(registry.registry.get(archive_name(url), ""))


def _of_hugging_face(url: str, patience: Patience) -> str:
    with open_session() as session:
        answer = session.head(url, allow_redirects=False, timeout=(patience.connect, patience.stall))
    return _checked(f"sha256:{answer.headers.get('X-Linked-ETag', '').strip(chr(34))}")


def _checked(checksum: str) -> str:
    return checksum if re.fullmatch(r"sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}", checksum) else ""
