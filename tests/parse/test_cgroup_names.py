"""What a control group is, by its path: forms that runtimes and systemd give their groups, of both versions."""

import pytest

from procmem.model.cgroup_name import CgroupName, GroupSort
from procmem.parse.cgroup_names import names_of, read_cgroup_name

UID = b"7d6a3c1e-52c3-4b0f-9a5e-0123456789ab"
LOW = UID.replace(b"-", b"_")
STATIC = b"0123456789abcdef0123456789abcdef"
ID = b"4c01db0b339c" + b"0" * 52
OTHER = b"5" * 64
CONTAINER, POD, UNIT, SLICE = GroupSort.CONTAINER, GroupSort.POD, GroupSort.UNIT, GroupSort.SLICE


def container(runtime: str | None, pod: bytes | None = None, name: bytes = ID, user: bytes | None = None) -> CgroupName:
    """A container."""
    return CgroupName(CONTAINER, name, runtime, pod, user)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        # kubernetes, driver cgroupfs
        (b"/kubepods/burstable/pod%s/%s" % (UID, ID), container(None, UID)),
        (b"/kubepods/besteffort/pod%s/crio-%s" % (UID, ID), container("cri-o", UID)),
        (b"/kubepods/pod%s" % UID, CgroupName(POD, UID)),
        (b"/kubepods/burstable/pod%s/%s" % (STATIC, ID), container(None, STATIC)),
        # kubernetes, driver systemd
        (
            b"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod%s.slice/cri-containerd-%s.scope"
            % (LOW, ID),
            container("containerd", UID),
        ),
        (b"/kubepods.slice/kubepods-pod%s.slice/crio-%s.scope" % (LOW, ID), container("cri-o", UID)),
        (
            b"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod%s.slice/docker-%s.scope" % (LOW, ID),
            container("docker", UID),
        ),
        (
            b"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod%s.slice/cri-containerd-%s.scope" % (LOW, ID),
            container("containerd", UID),
        ),
        (b"/kubepods.slice/kubepods-pod%s.slice" % LOW, CgroupName(POD, UID)),
        (b"/kubepods.slice/kubepods-burstable.slice", CgroupName(SLICE, b"kubepods-burstable.slice")),
        (
            b"/system.slice/containerd.service/kubepods-burstable-pod%s.slice:cri-containerd:%s" % (LOW, ID),
            container("containerd", UID),
        ),
        (b"/kubepods.slice/kubepods-pod%s.slice/crio-conmon-%s.scope" % (LOW, ID), CgroupName(POD, UID)),
        # docker, podman, containerd, lxc
        (b"/docker/" + ID, container("docker")),
        (b"/docker/%s/docker/%s" % (OTHER, ID), container("docker")),
        (b"/docker/%s/system.slice/nginx.service" % ID, container("docker")),
        (b"/system.slice/docker-%s.scope" % ID, container("docker")),
        (b"/system.slice/docker-%s.scope/init.scope" % ID, container("docker")),
        (b"/machine.slice/libpod-%s.scope" % ID, container("podman")),
        (b"/machine.slice/libpod-%s.scope/container" % ID, container("podman")),
        (b"/libpod_parent/libpod-%s" % ID, container("podman")),
        (b"/machine.slice/libpod-conmon-%s.scope" % ID, CgroupName(SLICE, b"machine.slice")),
        (b"/machine.slice/machine-libpod_pod_%s.slice/libpod-%s.scope" % (OTHER, ID), container("podman", OTHER)),
        (
            b"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-%s.scope/container" % ID,
            container("podman", user=b"1000"),
        ),
        (b"/k8s.io/" + ID, container("containerd")),
        (b"/default/" + ID, container("containerd")),
        (b"/system.slice/nerdctl-%s.scope" % ID, container("containerd")),
        (b"/system.slice:docker:" + ID, container("docker")),
        (b"/lxc/web", container("lxc", name=b"web")),
        (b"/lxc.payload.web/system.slice/nginx.service", container("lxc", name=b"web")),
        (b"/lxc.payload/web", container("lxc", name=b"web")),
        (b"/lxc.monitor.web", container("lxc", name=b"web")),
        (b"/ecs/task/" + ID, container(None)),
        # systemd
        (b"/system.slice/nginx.service", CgroupName(UNIT, b"nginx.service")),
        (b"/system.slice/nginx.service/worker", CgroupName(UNIT, b"nginx.service")),
        (b"/system.slice/system-getty.slice/getty@tty1.service", CgroupName(UNIT, b"getty@tty1.service")),
        (rb"/system.slice/system-dev\x2dhugepages.slice", CgroupName(SLICE, b"system-dev-hugepages.slice")),
        (b"/system.slice/docker.socket", CgroupName(UNIT, b"docker.socket")),
        (b"/init.scope", CgroupName(UNIT, b"init.scope")),
        (b"/user.slice/user-1000.slice/session-2.scope", CgroupName(GroupSort.SESSION, b"2", user=b"1000")),
        (b"/user.slice/user-0.slice/session-c1.scope", CgroupName(GroupSort.SESSION, b"c1", user=b"0")),
        (b"/user.slice/user-1000.slice", CgroupName(SLICE, b"user-1000.slice", user=b"1000")),
        (
            b"/user.slice/user-1000.slice/user@1000.service/app.slice/mail.service",
            CgroupName(UNIT, b"mail.service", user=b"1000"),
        ),
        (b"/user.slice/user-1000.slice/user@1000.service", CgroupName(UNIT, b"user@1000.service", user=b"1000")),
        (
            rb"/machine.slice/machine-qemu\x2d3\x2dvm1.scope/libvirt/emulator",
            CgroupName(GroupSort.MACHINE, b"qemu-3-vm1"),
        ),
        (b"/machine.slice/systemd-nspawn@deb.service/payload", CgroupName(GroupSort.MACHINE, b"deb")),
        # what tells nothing
        (b"/", None),
        (b"", None),
        (b"/jobs/build", None),
        (b"/kubepods/burstable", None),
        (b"/docker/notanid", None),
        (b"/../../x", None),
        (b"/" + ID[:63], None),
        (b"/\xff\xfe", None),
    ],
)
def test_what_a_group_is(path: bytes, name: CgroupName | None) -> None:
    """The deepest level that is known, and whose it is."""
    assert read_cgroup_name(path) == name


def test_what_it_is_called_by() -> None:
    """A container by its whole id and by the digits that people see; its pod's uid, as kubectl writes it."""
    assert names_of(container("docker", UID)) == (ID, b"4c01db0b339c", UID)
    assert names_of(CgroupName(UNIT, b"nginx.service")) == (b"nginx.service",)


def test_a_very_long_path_is_read_at_once() -> None:
    """As many levels as matter."""
    assert read_cgroup_name(b"/x" * 100_000) is None
    assert read_cgroup_name(b"/system.slice/a.service" + b"/deep" * 50) == CgroupName(UNIT, b"a.service")
