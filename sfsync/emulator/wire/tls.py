"""Speaking https: a throw-away authority, certificates of it, and six ways in which TLS can be wrong.

Everything is made at start and lives in one private folder: `ca.pem` for clients to trust, and for a moment
the key of a server certificate, which the ssl module can only load from a file. The authority's own key
never leaves the memory. Imported only when TLS is asked for.
Source: RFC 5280 (certificates); the six situations are fault N3 of the failure model.
"""

import contextlib
import ipaddress
import shutil
import socket
import ssl
import struct
import tempfile
import threading
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

_DAY: Final = timedelta(days=1)
_OWN_NAMES: Final = ("localhost",)
_OWN_ADDRESSES: Final = ("127.0.0.1", "::1")
_HELLO_WAIT: Final = 2.0
_NO_LINGER: Final = struct.pack("ii", 1, 0)


class Situation(StrEnum):
    """What a client meets when it connects: TLS as it should be, or one of the six bad situations."""

    GOOD = "good"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    WRONG_HOST = "wrong_host"
    SELF_SIGNED = "self_signed"
    OLD_PROTOCOL = "old_protocol"
    HANDSHAKE_RESET = "handshake_reset"


@dataclass(frozen=True, slots=True)
class _Signer:
    """A name and a key that certificates can be signed with."""

    name: x509.Name
    key: ec.EllipticCurvePrivateKey


class Tls:
    """The server's side of TLS, and the situation that the next connections meet."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sfsync-emulator-"))
        self.ca_file = self.folder / "ca.pem"
        self._authority = _Signer(_name("sfsync emulator authority"), _new_key())
        self.ca_file.write_bytes(_pem(_authority_certificate(self._authority)))
        self._contexts: dict[Situation, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        self._situation = Situation.GOOD
        self._left: int | None = None
        self._context(Situation.GOOD)

    def present(self, situation: Situation | str, *, connections: int | None = None) -> None:
        """Let so many next connections (None: all) meet a situation; after them TLS is good again.

        Raises: ValueError for a word that is no situation.
        """
        situation = Situation(situation)
        with self._lock:
            self._context(situation)
            self._situation, self._left = situation, connections

    def wrapped(self, accepted: socket.socket) -> ssl.SSLSocket:
        """Return a connection that shakes hands when it is first read; its thread waits, nobody else.

        Raises: ConnectionResetError when the connection was reset in the face of the client.
        """
        with self._lock:
            situation = self._next()
            context = self._context(situation)
        if situation is Situation.HANDSHAKE_RESET:
            # Hands are being shaken once the client has said hello. A reset before that would be an ended
            # connection, and Python's client loses such a socket without closing it.
            accepted.settimeout(_HELLO_WAIT)
            with contextlib.suppress(OSError):
                accepted.recv(1)
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            accepted.close()
            raise ConnectionResetError("the handshake was reset")
        try:
            accepted.getpeername()
        except OSError:
            # Of a client that is gone already, wrap_socket would lose the socket without closing it.
            accepted.close()
            raise
        return context.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)

    def say_goodbye(self, connection: ssl.SSLSocket) -> None:
        """Tell the client that no more is coming, without waiting for what it says."""
        with contextlib.suppress(OSError, ValueError):
            connection.settimeout(0)
            connection.unwrap()

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _next(self) -> Situation:
        situation = self._situation
        if self._left is not None:
            self._left -= 1
            if self._left <= 0:
                self._situation, self._left = Situation.GOOD, None
        return situation

    def _context(self, situation: Situation) -> ssl.SSLContext:
        if situation not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            self._load_certificate(context, situation)
            if situation is Situation.OLD_PROTOCOL:
                _speak_only_old_protocols(context)
            self._contexts[situation] = context
        return self._contexts[situation]

    def _load_certificate(self, context: ssl.SSLContext, situation: Situation) -> None:
        key = _new_key()
        subject = _name("sfsync emulator")
        signer = _Signer(subject, key) if situation is Situation.SELF_SIGNED else self._authority
        certificate = _server_certificate(subject, key, signer, situation)
        file = self.folder / "server.pem"
        file.touch(mode=0o600, exist_ok=False)
        file.write_bytes(_pem(certificate) + _key_pem(key))
        try:
            context.load_cert_chain(file)
        finally:
            file.unlink()


def _speak_only_old_protocols(context: ssl.SSLContext) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _authority_certificate(authority: _Signer) -> x509.Certificate:
    now = datetime.now(UTC)
    usage = _usage(signs_certificates=True)
    return (
        _builder(authority.name, authority.key, authority, now - _DAY, now + 365 * _DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(authority.key, hashes.SHA256())
    )


def _server_certificate(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, signer: _Signer, situation: Situation
) -> x509.Certificate:
    first, last = _validity(situation)
    return (
        _builder(subject, key, signer, first, last)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_alternative_names(situation)), critical=False)
        .sign(signer.key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, signer: _Signer, first: datetime, last: datetime
) -> x509.CertificateBuilder:
    of_signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())
    serial = x509.random_serial_number()
    return (
        x509.CertificateBuilder(signer.name, subject, key.public_key(), serial, first, last)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(of_signer, critical=False)
    )


def _validity(situation: Situation) -> tuple[datetime, datetime]:
    now = datetime.now(UTC)
    match situation:
        case Situation.EXPIRED:
            return now - 3 * _DAY, now - _DAY
        case Situation.NOT_YET_VALID:
            return now + _DAY, now + 3 * _DAY
        case _:
            return now - _DAY, now + 30 * _DAY


def _alternative_names(situation: Situation) -> Iterable[x509.GeneralName]:
    if situation is Situation.WRONG_HOST:
        return [x509.DNSName("another-host.example")]
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in _OWN_NAMES]
    return names + [x509.IPAddress(ipaddress.ip_address(address)) for address in _OWN_ADDRESSES]


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
