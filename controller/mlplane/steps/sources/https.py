"""A file that a web server gives. Redirects are followed one by one, each judged like the address itself.

Called by ``reading``, and by ``hub`` for the files of a Hugging Face hub.
"""

import base64
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import unquote

import httpx

from mlplane.api.datasource import HttpsSource
from mlplane.errors import InvalidInput, Terminal, Transient
from mlplane.steps.sources.found import Access, Found
from mlplane.steps.sources.policy import Policy, Refused
from mlplane.store.digest import CHUNK

MAX_REDIRECTS = 5
_TIMEOUT = httpx.Timeout(60, connect=20)
_REDIRECTS = (301, 302, 303, 307, 308)
_PASSING = (408, 425, 429)


def find_https(source: HttpsSource, access: Access) -> Iterator[Found]:
    """The one file of a URL; its name is the end of the URL's path."""
    secrets = access.secrets
    headers = {}
    if "HTTPS_TOKEN" in secrets:
        headers = {"authorization": f"Bearer {secrets['HTTPS_TOKEN']}"}
    elif "HTTPS_USERNAME" in secrets:
        pair = f"{secrets['HTTPS_USERNAME']}:{secrets.get('HTTPS_PASSWORD', '')}"
        headers = {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    try:
        url = httpx.URL(source.url)
        url.host.encode("idna")
    except (httpx.InvalidURL, UnicodeError) as error:
        raise InvalidInput(
            f"spec.source.https.url: {source.url.partition('?')[0]!r} is no address: {error}"
        ) from error
    name = unquote(url.path).rpartition("/")[2] or "data"
    yield Found(name, None, lambda: read_url(source.url, headers, access))


def read_url(
    url: str, headers: Mapping[str, str], access: Access, *, schemes: str = "https"
) -> Iterator[bytes]:
    """The bytes behind a URL, in pieces.

    Args:
        url: Where they are.
        headers: Credentials; sent to the host and port of ``url``, and to no other.
        access: What is allowed.
        schemes: ``https``, or ``https http`` where an operator named the server.

    Raises:
        InvalidInput: the URL is refused, or there is nothing, or too much.
        Terminal: the server wants other credentials, or has no certificate to trust.
        Transient: the server or the network fails.
    """
    with httpx.Client(trust_env=False, verify=_trust(), timeout=_TIMEOUT) as client:
        current = first = _judged(httpx.URL(url), schemes, access.policy)
        for _ in range(MAX_REDIRECTS + 1):
            own = headers if _origin(current) == _origin(first) else {}
            with _errors_of(current), client.stream("GET", current, headers={**_PLAIN, **own}) as response:
                if response.status_code not in _REDIRECTS:
                    yield from _body(response, access.max_bytes)
                    return
                target = current.join(response.headers.get("location", ""))
            with _errors_of(current):
                current = _judged(target, schemes if current.scheme == "http" else "https", access.policy)
    raise InvalidInput(f"{_place(first)} redirects more than {MAX_REDIRECTS} times")


_PLAIN = {"accept-encoding": "identity", "user-agent": "mlplane"}


def _judged(url: httpx.URL, schemes: str, policy: Policy) -> httpx.URL:
    """The URL, if it may be asked."""
    if url.scheme not in schemes.split():
        raise Refused(f"{_place(url)} is refused: only https is read, not {url.scheme or 'nothing'}")
    if url.userinfo:
        raise Refused(f"a URL of {url.host} is refused: it holds a user name; use spec.source.secretRef")
    if not url.host:
        raise Refused(f"{_place(url)} is refused: it names no server")
    policy.check_host(url.host, _origin(url)[2])
    return url


def _body(response: httpx.Response, limit: int) -> Iterator[bytes]:
    place = _place(response.request.url)
    status = response.status_code
    if status in (401, 403, 407):
        raise Terminal(
            f"{place} answers {status}: it wants other credentials; see spec.source.secretRef (HTTPS_TOKEN, "
            "or HTTPS_USERNAME and HTTPS_PASSWORD)"
        )
    if status in _PASSING or status >= 500:
        raise Transient(f"{place} answers {status}")
    if status != 200:
        raise InvalidInput(f"{place} answers {status}; expected 200 and a file")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise InvalidInput(f"{place} sends a packed answer that was not asked for")
    announced = response.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise InvalidInput(
            f"{place} announces {announced} bytes; spec.source.maxSize allows {limit}: raise it"
        )
    yield from response.iter_raw(CHUNK)


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)


def _place(url: httpx.URL) -> str:
    """A URL without its query, in which servers put signatures."""
    return f"{url.scheme}://{url.netloc.decode().rpartition('@')[2]}{url.path}"[:300]


def _trust() -> ssl.SSLContext:
    """The authorities of ``SSL_CERT_FILE``, else those of ``certifi``; nothing else of the environment."""
    return httpx.create_ssl_context()


@contextmanager
def _errors_of(url: httpx.URL) -> Iterator[None]:
    try:
        yield
    except httpx.TransportError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise Terminal(
                f"the certificate of {url.host} is not trusted; an operator names others in SSL_CERT_FILE"
            ) from error
        raise Transient(f"{_place(url)} failed: {error}") from error
    except (httpx.InvalidURL, httpx.HTTPError, UnicodeError) as error:
        raise InvalidInput(f"{_place(url)} cannot be read: {error}") from error
