"""Hosts with networks, processes and disks of their own, on one machine: each is a systemd in its namespaces."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import yaml

from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SYSTEMD = Path("/lib/systemd/systemd")
CGROUPS = Path("/sys/fs/cgroup")
NUMBER = os.getpid() % 250  # so that two sessions do not share names and addresses


def missing() -> str:
    """Why this machine cannot run hosts; empty when it can."""
    if os.geteuid() != 0:
        return "needs root for network namespaces"
    tools = [name for name in ("ip", "unshare", "nft") if shutil.which(name) is None]
    if tools or not SYSTEMD.exists():
        return f"needs {', '.join([*tools, *([] if SYSTEMD.exists() else ['systemd'])])}"
    if "overlay" not in Path("/proc/filesystems").read_text():
        return "needs overlay file systems"
    made = subprocess.run(["ip", "netns", "add", (probe := f"dfprobe{NUMBER}")], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "delete", probe], capture_output=True, check=False)
    return "cannot make network namespaces here" if made.returncode else ""


def manual() -> list[str]:
    """Console blocks of deploy/README.md, "Any Ray cluster": for every machine, the token, the head node, workers, …"""
    section = (DEPLOY / "README.md").read_text().partition("## Any Ray cluster\n")[2].partition("\n## ")[0]
    return re.findall(r"^```console\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


#: What a host does in place of some commands of the manual. It shares this machine's packages and virtual environment,
#: and systemd is not up before it boots.
IN_PLACE_OF = {
    r"^sudo apt-get install .*$": "",
    r"^sudo /opt/docfleet/bin/pip install .*$": "",
    r"^sudo python3 -m venv (\S+)$": rf"ln -s {sys.prefix} \1",
    r"^sudo systemctl enable --now ": "systemctl enable ",
    r"^sudo ": "",
}


class Host:
    """A host that runs one of the units of deploy/systemd.

    The commands of deploy/README.md install it. Then it gets parsers that sleep, and a user who may read this folder.
    """

    def __init__(self, unit: str, address: str, head: str, folder: Path) -> None:
        self.name = f"df{NUMBER}{unit.removeprefix('docfleet-')}"
        self.address = address
        self._unit = unit
        self._head = head
        self._port = f"{self.name}"[:15]  # the name of its end of the cable
        self._disk = folder / unit
        self._process: subprocess.Popen[bytes] | None = None
        for part in ("upper", "work", "root"):
            (self._disk / part).mkdir(parents=True)

    def follow_manual(self, *blocks: str) -> None:
        """Run console blocks of the manual in the folder of this repository."""
        script = "\n".join(blocks).replace("10.0.0.1", self._head)
        for command, instead in IN_PLACE_OF.items():
            script = re.sub(command, instead, script, flags=re.MULTILINE)
        disk = self._disk
        overlay = f"mount -t overlay overlay -o lowerdir=/,upperdir={disk}/upper,workdir={disk}/work {disk}/root"
        inside = f'chroot {disk}/root env SYSTEMD_OFFLINE=1 bash -ec "cd {ROOT}; $0"'
        _run("unshare", "--mount", "bash", "-ec", f"mount --make-rprivate /; {overlay}; {inside}", script)

    def copy_token(self, other: Host) -> None:
        """Bring the token that was made on another host here."""
        here, there = (host._disk / "upper" / ROOT.relative_to("/") / "ray-token" for host in (self, other))
        here.parent.mkdir(parents=True)
        shutil.copy(there, here)

    def prepare_for_tests(self) -> None:
        disk = self._disk / "upper"
        config = disk / "etc" / "docfleet" / "serve_config.yaml"
        if config.exists():
            content = yaml.safe_load(config.read_text())
            content["applications"][0]["import_path"] = "tests.faults.application:build"
            config.write_text(yaml.safe_dump(content))
        drop_ins = disk / "etc" / "systemd" / "system" / f"{self._unit}.service.d"
        drop_ins.mkdir()
        (drop_ins / "test.conf").write_text(
            "[Service]\nUser=root\nPrivateTmp=false\n"
            f"Environment=PYTHONPATH={ROOT} SLEEP_PER_PAGE_S=0.25\n"
            "StandardOutput=append:/var/log/docfleet.log\nStandardError=inherit\n"
        )

    def plug_in(self, bridge: str, gateway: str) -> None:
        _run("ip", "netns", "add", self.name)
        _run("ip", "link", "add", self._port, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        _run("ip", "link", "set", self._port, "master", bridge, "up")
        for command in ("link set lo up", f"address add {self.address}/24 dev eth0", "link set eth0 up"):
            _run("ip", "-n", self.name, *command.split())
        _run("ip", "-n", self.name, "route", "add", "default", "via", gateway)  # Ray finds its own address by it

    def start(self) -> None:
        folders = [folder / self.name for folder in _cgroup_trees()]
        for folder in folders:
            folder.mkdir(exist_ok=True)
        join = "; ".join(f"echo $$ > {folder}/cgroup.procs" for folder in folders)
        unshare = "unshare --fork --pid --mount --uts --ipc --cgroup --kill-child"
        boot = f"{Path(__file__).with_name('boot.sh')} {self._disk} {self._unit}.service"
        with (self._disk / "console.log").open("ab") as console:
            self._process = subprocess.Popen(
                ["bash", "-c", f"{join}; exec ip netns exec {self.name} {unshare} {boot}"],
                stdout=console,
                stderr=console,
            )

    def cut_power(self) -> None:
        """Everything ends at once; the disk stays."""
        if self._process:
            ended = psutil.Process(self._process.pid).children(recursive=True)
            self._process.kill()
            self._process.wait()
            psutil.wait_procs(ended)
            self._process = None
        for tree in _cgroup_trees():
            for folder in sorted((tree / self.name).rglob("*/"), reverse=True):
                _remove(folder)
            _remove(tree / self.name)

    def kill(self, title: str) -> int:
        """SIGKILL every process whose command contains `title`. Returns how many there were."""
        found = [process for process in self.processes() if title in _command(process)]
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        return len(found)

    def processes(self) -> list[psutil.Process]:
        return psutil.Process(self._process.pid).children(recursive=True) if self._process else []

    @contextmanager
    def unplugged(self) -> Iterator[None]:
        _run("ip", "link", "set", self._port, "down")
        yield
        _run("ip", "link", "set", self._port, "up")

    @contextmanager
    def losing(self, percent: int) -> Iterator[None]:
        """Some packets get lost on their way in and out."""
        rules = "; ".join(
            f"add chain inet loss {way} {{ type filter hook {way} priority 0; }}; "
            f"add rule inet loss {way} meta {interface} eth0 numgen random mod 100 < {percent} drop"
            for way, interface in (("input", "iifname"), ("output", "oifname"))
        )
        _run("ip", "netns", "exec", self.name, "nft", f"add table inet loss; {rules}")
        yield
        _run("ip", "netns", "exec", self.name, "nft", "delete table inet loss")

    def log(self) -> str:
        return (self._disk / "upper" / "var" / "log" / "docfleet.log").read_text(errors="replace")


@contextmanager
def two_hosts(folder: Path) -> Iterator[tuple[Host, Host]]:
    """A head and a worker on one network, both running."""
    bridge, network = f"dfbridge{NUMBER}", f"198.18.{NUMBER}"
    with ExitStack() as stack:
        folder.mkdir()
        _run("mount", "-t", "tmpfs", "tmpfs", str(folder))  # an overlay's own files must not be on what it lies over
        stack.callback(_run, "umount", str(folder))
        _run("ip", "link", "add", bridge, "type", "bridge")
        stack.callback(_run, "ip", "link", "delete", bridge)
        _run("ip", "address", "add", f"{network}.1/24", "dev", bridge)
        _run("ip", "link", "set", bridge, "up")
        head = Host("docfleet-head", f"{network}.2", f"{network}.2", folder)
        worker = Host("docfleet-worker", f"{network}.3", f"{network}.2", folder)
        install(head, worker)
        for host in (head, worker):
            host.plug_in(bridge, f"{network}.1")
            stack.callback(_run, "ip", "netns", "delete", host.name)
            stack.callback(host.cut_power)
            host.start()
        yield head, worker


def install(head: Host, worker: Host) -> None:
    """As deploy/README.md says: the token is made on one machine and copied to the other."""
    every_machine, token, head_node, worker_node, *_ = manual()
    *_, keep_token = token.splitlines()
    head.follow_manual(every_machine, token, head_node)
    worker.copy_token(head)
    worker.follow_manual(every_machine, keep_token, worker_node)
    for host in (head, worker):
        host.prepare_for_tests()


def _cgroup_trees() -> list[Path]:
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS]
    return [CGROUPS / "systemd", CGROUPS / "unified"]


def _remove(folder: Path) -> None:
    if folder.exists():
        eventually(lambda: _removed(folder), what=f"an empty {folder}")


def _removed(folder: Path) -> bool:
    with suppress(OSError):
        folder.rmdir()
    return not folder.exists()


def _command(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return " ".join(process.cmdline())
    return ""


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
