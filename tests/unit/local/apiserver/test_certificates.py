"""The certificate is good for loopback names, for nothing else, and its key is private."""

import ssl

from cryptography import x509

from mlplane.local.apiserver import certificates


def made(tmp_path):
    certificates.create(tmp_path / "tls.crt", tmp_path / "tls.key")
    return x509.load_pem_x509_certificate((tmp_path / "tls.crt").read_bytes())


def test_it_names_this_machine_alone(tmp_path):
    names = made(tmp_path).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]


def test_the_key_is_readable_by_its_owner_only_and_fits(tmp_path):
    made(tmp_path)
    assert (tmp_path / "tls.key").stat().st_mode & 0o777 == 0o600
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")


def test_strict_clients_accept_it_as_its_own_authority(tmp_path):
    made(tmp_path)
    context = ssl.create_default_context(cafile=str(tmp_path / "tls.crt"))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
    handshake(context, server)


def handshake(client_context, server_context):
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(10):
        done = 0
        for side in (client, server):
            try:
                side.do_handshake()
                done += 1
            except ssl.SSLWantReadError:
                pass
        if done == 2:
            return
    raise AssertionError("no handshake")
