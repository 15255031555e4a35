"""The keys that may sign a JWT login: those of the certificates that the org file registers for the app.

Source: Salesforce Help, OAuth 2.0 JWT Bearer Flow: RS256, with a certificate uploaded to the app [D].
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sfsync.emulator.org.definition import DefinitionError, OrgDefinition, names_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey


def jwt_keys(definition: OrgDefinition) -> "tuple[RSAPublicKey, ...]":
    """Return the keys of the registered certificates.

    Raises: DefinitionError for a file that is no certificate of an RSA key.
    """
    if "certificate" not in definition.oauth:
        return ()
    return tuple(_key(Path(name)) for name in names_of(definition.oauth["certificate"]))


def _key(path: Path) -> "RSAPublicKey":
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    try:
        key = x509.load_pem_x509_certificate(path.read_bytes()).public_key()
    except (OSError, ValueError) as problem:
        raise DefinitionError(f"certificate {path}: {problem}") from None
    if not isinstance(key, RSAPublicKey):
        raise DefinitionError(f"certificate {path}: not of an RSA key, which RS256 needs")
    return key
