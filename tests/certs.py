"""A small certificate authority for tests. In: the name of a case. Out: the chain that a server sends, and its key."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

NAMES = ("shop.test", "localhost", "127.0.0.1", "::1")
"""What the good certificate is valid for."""

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Issued:
    """What a TLS server is started with."""

    chain: tuple[x509.Certificate, ...]
    """The certificates that are sent, leaf first."""
    key: Key

    @property
    def pem(self) -> bytes:
        """Key and chain in one file, as ssl.SSLContext.load_cert_chain reads it."""
        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return key + b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in self.chain)


def _name(common_name: str) -> x509.Name:
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test Authority")
    return x509.Name([organisation, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Authority:
    """A root, or an intermediate of a parent."""

    def __init__(self, name: str, parent: "Authority | None" = None, key: Key | None = None) -> None:
        """Makes the key, unless given, and the certificate, signed by the parent or by itself."""
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.name = _name(name)
        self.certificate = (parent or self).sign(
            self.name, self.key, timedelta(-30), timedelta(3650), x509.BasicConstraints(ca=True, path_length=None)
        )

    def sign(
        self,
        subject: x509.Name,
        key: Key,
        begins: timedelta,
        ends: timedelta,
        *extensions: x509.ExtensionType,
    ) -> x509.Certificate:
        """Signs one certificate that is valid from now plus BEGINS to now plus ENDS."""
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins)
            .not_valid_after(now + ends)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self.key, hashes.SHA256())


def _leaf(
    authority: Authority,
    *others: Authority,
    names: tuple[str, ...] = NAMES,
    begins: int = -1,
    ends: int = 90,
) -> Issued:
    """A leaf by one authority, sent together with the certificates of others; BEGINS and ENDS are days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    alternatives = x509.SubjectAlternativeName([_alternative(name) for name in names])
    leaf = authority.sign(_name(names[0]), key, timedelta(begins), timedelta(ends), alternatives)
    return Issued((leaf, *(other.certificate for other in others)), key)


def _self_signed() -> Issued:
    signer = Authority(NAMES[0])
    alternatives = x509.SubjectAlternativeName([_alternative(name) for name in NAMES])
    return Issued((signer.sign(signer.name, signer.key, timedelta(-1), timedelta(90), alternatives),), signer.key)


def _sha1() -> Issued:
    """A leaf whose signature uses SHA-1.

    The library does not make these any more, so the certificate is made with SHA-256, its two algorithm
    identifiers (sha256WithRSAEncryption, sha1WithRSAEncryption: RFC 8017 appendix C, same length) are exchanged
    and it is signed again.
    """
    key = rsa.generate_private_key(65537, 2048)
    signer = Authority("Test Old Intermediate", _authorities()[0], key)
    leaf = _leaf(signer, signer)
    new, old = bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105")
    der = leaf.chain[0].public_bytes(serialization.Encoding.DER).replace(new, old)
    body = leaf.chain[0].tbs_certificate_bytes.replace(new, old)
    signature = key.sign(body, padding.PKCS1v15(), hashes.SHA1())
    return Issued((x509.load_der_x509_certificate(der[: -len(signature)] + signature), *leaf.chain[1:]), leaf.key)


@cache
def _authorities() -> tuple[Authority, Authority, Authority]:
    root = Authority("Test Root")
    return root, Authority("Test Intermediate", root), Authority("Unknown Root")


def root_pem() -> str:
    """The root that CaptureRequest.extra_roots gets; it is in no machine's store."""
    return _authorities()[0].certificate.public_bytes(serialization.Encoding.PEM).decode()


@cache
def issued(kind: str) -> Issued:
    """The chain of a case; kinds that are not about certificates get the good one."""
    _, middle, unknown = _authorities()
    match kind:
        case "expired":
            return _leaf(middle, middle, begins=-60, ends=-30)
        case "not-yet-valid":
            return _leaf(middle, middle, begins=30, ends=60)
        case "wrong-name":
            return _leaf(middle, middle, names=("other.test", "192.0.2.7"))
        case "expired-wrong-name":
            return _leaf(middle, middle, names=("other.test",), begins=-60, ends=-30)
        case "self-signed":
            return _self_signed()
        case "untrusted-root":
            return _leaf(unknown, unknown)
        case "incomplete-chain":
            return _leaf(middle)
        case "sha1":
            return _sha1()
        case _:
            return _leaf(middle, middle)
