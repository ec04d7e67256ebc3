"""Certificates for SeaweedFS' gRPC ports: without them anybody on the machine could drive master, volume and filer.

One authority for one home, one certificate signed by it, shared by all components of the one process. The authority's
private key is dropped, so that no second certificate can ever be signed.
"""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deploy.local.home import write_private
from deploy.local.ports import LOOPBACK

LIFETIME = timedelta(days=3650)


def ensure(directory: Path) -> None:
    """Write ca.pem, cert.pem and key.pem unless they are there; the last one is written last."""
    if (directory / "key.pem").exists():
        return
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("gatehouse", authority_key, "gatehouse", authority_key, ca=True)
    certificate = _certificate("seaweedfs", key, "gatehouse", authority_key, ca=False)
    write_private(directory / "ca.pem", _pem(authority))
    write_private(directory / "cert.pem", _pem(certificate))
    write_private(directory / "key.pem", _private_pem(key))


def _certificate(
    subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, issuer_key: ec.EllipticCurvePrivateKey, *, ca: bool
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(_name(issuer), _name(subject), key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(minutes=5)).not_valid_after(now + LIFETIME)
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    if not ca:
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(LOOPBACK))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")


def _private_pem(key: ec.EllipticCurvePrivateKey) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode("ascii")
