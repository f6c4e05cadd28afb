"""Certificates for tests of TLS."""

import pathlib
import subprocess

import harness


class Certificates:
    """A small authority made by the openssl program."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                      "-nodes", "-days", "2", "-subj", "/CN=test authority", "-keyout", "ca.key",
                      "-out", "ca.pem")
        self.issue("server", "subjectAltName=DNS:localhost,IP:127.0.0.1")
        self.issue("client", "extendedKeyUsage=clientAuth")

    def issue(self, name, extension, authority="ca"):
        (self.folder / f"{name}.ext").write_text(extension + "\n", encoding="ascii")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey",
                      f"{authority}.key", "-CAcreateserial", "-days", "2", "-extfile",
                      f"{name}.ext", "-out", f"{name}.pem")

    def __getitem__(self, file):
        return str(self.folder / file)

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True,
                       timeout=harness.PATIENCE_SECONDS)
