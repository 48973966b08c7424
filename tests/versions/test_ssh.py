"""A remote over SSH: a real sshd on loopback, started here where that is possible."""

import getpass
import importlib.util
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.versions.support import bytes_of, clone, run, script

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """Start sshd for one key; yield its port and the private key."""
    if importlib.util.find_spec("dvc_ssh") is None:
        pytest.skip("needs dvc-ssh: pip install 'dvc[ssh]'")
    if os.getuid() != 0:
        pytest.skip("sshd is started by root alone")
    if shutil.which("sshd", path="/usr/sbin:/usr/bin") is None:
        if shutil.which("apt-get") is None:
            pytest.skip("no sshd here, and no apt-get to install one")
        done = subprocess.run(["apt-get", "install", "-y", "-qq", "openssh-server"], capture_output=True, check=False)
        if done.returncode:
            pytest.skip(f"sshd cannot be installed: {done.stderr.decode()[-200:]}")
    key, host = tmp_path / "id", tmp_path / "host"
    for file in (key, host):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
    (tmp_path / "authorized").write_bytes(key.with_suffix(".pub").read_bytes())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    Path("/run/sshd").mkdir(exist_ok=True)
    options = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": host,
        "AuthorizedKeysFile": tmp_path / "authorized",
        "PidFile": "none",
        "StrictModes": "no",
        "PermitRootLogin": "prohibit-password",
        "Subsystem": "sftp internal-sftp",
    }
    (tmp_path / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in options.items()))
    process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", str(tmp_path / "sshd_config")])
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield port, key
    process.terminate()
    process.wait()


def test_a_clone_pulls_over_ssh(server: tuple[int, Path], origin: Path, tmp_path: Path) -> None:
    port, key = server
    url = f"ssh://{getpass.getuser()}@127.0.0.1:{port}{tmp_path}/remote"
    for folder in (origin, clone(origin, tmp_path / "clone", url)):
        run(folder, "dvc", "remote", "add", "--quiet", "--force", "ssh", url)
        run(folder, "dvc", "remote", "modify", "--local", "ssh", "keyfile", str(key))
    run(origin, "dvc", "push", "--quiet", "--remote", "ssh")
    run(tmp_path / "clone", "dvc", "remote", "default", "ssh")
    code, text = script(tmp_path / "clone", "pull")
    assert code == 0, text
    assert bytes_of(tmp_path / "clone") == bytes_of(origin)
    assert "Nothing to be done" in run(tmp_path / "clone", "snakemake", "--dry-run")
