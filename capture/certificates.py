"""Certificates described and judged. In: a chain as sent, the verification errors. Out: records and named problems."""

import ipaddress
from collections.abc import Iterable, Sequence

import service_identity
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.x509.oid import ExtensionOID
from service_identity.cryptography import verify_certificate_hostname, verify_certificate_ip_address

from capture.record.bundle import BundleWriter
from capture.record.network import Certificate

NAMES_KEPT = 200
"""Names of one certificate that are kept; some list ten thousand."""

BROKEN_BY_ERROR = {
    9: "not-yet-valid",
    10: "expired",
    18: "self-signed",
    19: "untrusted-root",
    2: "incomplete-chain",
    20: "incomplete-chain",
    21: "incomplete-chain",
    23: "revoked",
    68: "weak-signature",
}
"""Verification errors of OpenSSL (x509_vfy.h, X509_V_ERR_*) that have a name in our record."""

OTHER_ERRORS = {
    7: "certificate signature failure",
    24: "invalid CA certificate",
    25: "path length constraint exceeded",
    26: "unsuitable certificate purpose",
    34: "unhandled critical extension",
    47: "permitted subtree violation",
    48: "excluded subtree violation",
    66: "leaf key too small",
    67: "CA key too small",
    79: "invalid CA certificate",
}
"""OpenSSL's own words for further ones."""

CAUSED_BY = {"self-signed": {"incomplete-chain"}, "untrusted-root": {"incomplete-chain"}}
"""Problems that OpenSSL reports again as a missing issuer."""

SMALLEST_RSA_BITS = 1024
"""RSA keys of fewer bits are refused by Chromium as weak (net/cert/cert_verify_proc.cc, 2024)."""


def describe(certificate: x509.Certificate, writer: BundleWriter) -> Certificate:
    """The record of one certificate; its DER form is kept in the bundle."""
    der = certificate.public_bytes(serialization.Encoding.DER)
    return Certificate(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        names=_names(certificate)[:NAMES_KEPT],
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        serial=f"{certificate.serial_number:x}",
        key=_key(certificate),
        signature_algorithm=_algorithm(certificate),
        sha256=certificate.fingerprint(hashes.SHA256()).hex(),
        artifact=writer.artifact(der, "der"),
        self_signed=certificate.subject == certificate.issuer,
    )


def roots(pems: Iterable[str]) -> list[x509.Certificate]:
    """Every certificate of some PEM texts; raises ValueError for a text that holds none."""
    return [certificate for pem in pems for certificate in x509.load_pem_x509_certificates(pem.encode())]


def problems(chain: Sequence[x509.Certificate], errors: Iterable[int], name_matches: bool | None) -> tuple[str, ...]:
    """Every reason why validation fails, in the record's words.

    ERRORS are OpenSSL's. A chain whose last certificate names an issuer that was neither sent nor is trusted is
    incomplete; one that ends in a certificate signed by itself that is not trusted has an untrusted root.
    """
    found = dict.fromkeys(
        BROKEN_BY_ERROR.get(error) or f"other: {OTHER_ERRORS.get(error, f'verification error {error}')}"
        for error in errors
    )
    for cause, echoes in CAUSED_BY.items():
        if cause in found:
            found = {name: None for name in found if name not in echoes}
    if name_matches is False:
        found["wrong-name"] = None
    if any(_weakly_signed(certificate) for certificate in chain if certificate.subject != certificate.issuer):
        found["weak-signature"] = None
    for certificate in chain:
        key = certificate.public_key() if _key(certificate).startswith("RSA") else None
        if isinstance(key, rsa.RSAPublicKey) and key.key_size < SMALLEST_RSA_BITS:
            found[f"other: weak key {_key(certificate)}"] = None
    return tuple(found)


def matches(leaf: x509.Certificate, host: str) -> bool:
    """Whether the certificate is valid for the host: by its alternative names only (RFC 6125, RFC 9525)."""
    try:
        if _is_address(host):
            verify_certificate_ip_address(leaf, host)
        else:
            verify_certificate_hostname(leaf, host)
    except (service_identity.VerificationError, service_identity.CertificateError, ValueError):
        return False
    return True


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    except (x509.ExtensionNotFound, ValueError):
        return ()
    names = extension.value
    if not isinstance(names, x509.SubjectAlternativeName):
        return ()
    return tuple(str(name.value) for name in names if isinstance(name, x509.DNSName | x509.IPAddress))


def _key(certificate: x509.Certificate) -> str:
    try:
        key = certificate.public_key()
    except ValueError:
        return "unreadable"
    match key:
        case rsa.RSAPublicKey():
            return f"RSA {key.key_size}"
        case ec.EllipticCurvePublicKey():
            return f"EC {key.curve.name}"
        case dsa.DSAPublicKey():
            return f"DSA {key.key_size}"
        case _:
            return type(key).__name__.removesuffix("PublicKey").lstrip("_")


def _algorithm(certificate: x509.Certificate) -> str:
    oid = certificate.signature_algorithm_oid
    name = getattr(oid, "_name", "Unknown OID")
    return oid.dotted_string if name == "Unknown OID" else name


def _weakly_signed(certificate: x509.Certificate) -> bool:
    """Whether the signature uses MD5 or SHA-1, which no browser takes any more."""
    return any(weak in _algorithm(certificate).lower() for weak in ("md2", "md5", "sha1"))
