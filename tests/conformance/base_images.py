#!/usr/bin/env python3
"""Makes the small base images that the conformance suites pull, without any network.

usage: base_images.py REGISTRY_DIR [FRONTEND_BINARY]     (needs busybox-static, skopeo and docker-registry)

REGISTRY_DIR becomes the storage of a registry that the suites start for themselves
(BUILDKIT_REGISTRY_MIRROR_DIR). Every image is a stand-in: a busybox userland under the name the suite asks for;
docker/dockerfile holds FRONTEND_BINARY, the published Dockerfile frontend, also written as REGISTRY_DIR/frontend.tar.
"""
import gzip, hashlib, io, json, os, shutil, socket, subprocess, sys, tarfile, tempfile, time

ADDUSER = b"""#!/bin/sh
# adduser [-D] [-S] [-H] [-u UID] [-G GROUP] [-h HOME] NAME
home=; uid=; grp=; mk=1
while [ $# -gt 1 ]; do case "$1" in -D|-S) ;; -H) mk= ;; -u) uid=$2; shift ;; -G) grp=$2; shift ;; -h) home=$2; shift ;; -s) shift ;; esac; shift; done
n=$1; [ -n "$home" ] || home=/home/$n
if [ -z "$uid" ]; then uid=1000; while grep -q "^[^:]*:[^:]*:$uid:" /etc/passwd; do uid=$((uid+1)); done; fi
gid=$uid
if [ -n "$grp" ]; then gid=$(grep "^$grp:" /etc/group | cut -d: -f3); else echo "$n:x:$gid:$n" >> /etc/group; fi
echo "$n:x:$uid:$gid:Linux User,,,:$home:/bin/sh" >> /etc/passwd
if [ -n "$mk" ]; then mkdir -p $home && chown $uid:$gid $home; fi
"""
ADDGROUP = b"""#!/bin/sh
# addgroup [-S] [-g GID] GROUP | addgroup USER GROUP
gid=
while [ $# -gt 1 ]; do case "$1" in -S) shift ;; -g) gid=$2; shift 2 ;; *) break ;; esac; done
if [ $# = 2 ]; then sed -i "s/^\\($2:.*:\\)\\(.*\\)$/\\1\\2,$1/;s/:,/:/" /etc/group; exit; fi
if [ -z "$gid" ]; then gid=1000; while grep -q "^[^:]*:[^:]*:$gid:" /etc/group; do gid=$((gid+1)); done; fi
echo "$1:x:$gid:" >> /etc/group
"""
PASSWD = b"""root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
sys:x:3:3:sys:/dev:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
"""
GROUP = b"root:x:0:\ndaemon:x:1:\nbin:x:2:\nsys:x:3:\nwheel:x:10:root\nwww-data:x:33:\nusers:x:100:\nnogroup:x:65533:\nnobody:x:65534:\n"
TTYSIZE = b"""#!/bin/sh
set -- $(stty size); echo "$2 $1"
"""
CREATED = "2024-09-26T21:31:42Z"


def layer(alpine):
    buf = io.BytesIO()
    tar = tarfile.open(fileobj=buf, mode="w", format=tarfile.PAX_FORMAT)

    def add(name, data=None, mode=0o644, kind=tarfile.REGTYPE, link=""):
        info = tarfile.TarInfo(name)
        info.mode, info.mtime, info.type, info.linkname, info.size = mode, 1700000000, kind, link, len(data or b"")
        tar.addfile(info, io.BytesIO(data) if data else None)

    for d in "bin dev etc home lib proc root run sbin sys tmp usr usr/bin usr/sbin var var/spool var/spool/mail var/www".split():
        add(d + "/", mode={"root": 0o700, "tmp": 0o1777}.get(d, 0o755), kind=tarfile.DIRTYPE)
    add("bin/busybox", open("/bin/busybox", "rb").read(), 0o755)
    own = {"bin/busybox", "usr/sbin/adduser", "usr/sbin/addgroup", "usr/bin/ttysize", "bin/awk"}
    for applet in subprocess.run(["busybox", "--list-full"], capture_output=True, text=True, check=True).stdout.split():
        if applet in own or not applet.startswith(("usr/", "bin/", "sbin/")):
            continue
        if alpine:
            add(applet, mode=0o777, kind=tarfile.SYMTYPE, link="/bin/busybox")
        else:
            add(applet, mode=0o755, kind=tarfile.LNKTYPE, link="bin/busybox")
    add("bin/awk", mode=0o755, kind=tarfile.LNKTYPE, link="bin/busybox")
    add("usr/sbin/adduser", ADDUSER, 0o755)
    add("usr/sbin/addgroup", ADDGROUP, 0o755)
    add("usr/bin/ttysize", TTYSIZE, 0o755)
    add("etc/passwd", PASSWD)
    add("etc/group", GROUP)
    add("etc/shadow", b"root:*:19000:0:99999:7:::\n", 0o600)
    add("etc/nsswitch.conf", b"hosts: files dns\n")
    if alpine:
        add("etc/alpine-release", b"3.21.0\n")
        add("etc/os-release", b'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.21.0\n')
        add("sbin/apk", b"#!/bin/sh\necho 'apk: no network' >&2; exit 1\n", 0o755)
    tar.close()
    return buf.getvalue()


def image(root, layers, cmd, extra=None):
    """Writes a one-platform OCI layout tagged 'latest'; extra is merged into the image's config."""
    os.makedirs(f"{root}/blobs/sha256")

    def put(data):
        digest = hashlib.sha256(data).hexdigest()
        open(f"{root}/blobs/sha256/{digest}", "wb").write(data)
        return {"digest": "sha256:" + digest, "size": len(data)}

    config = {"created": CREATED, "architecture": "amd64", "os": "linux",
              "config": {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]} | ({"Cmd": cmd} if cmd else {}) | (extra or {}),
              "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(l).hexdigest() for l in layers]},
              "history": [{"created": CREATED, "created_by": "base layer"} for _ in layers]}
    oci = "application/vnd.oci.image."
    manifest = {"schemaVersion": 2, "mediaType": oci + "manifest.v1+json",
                "config": {"mediaType": oci + "config.v1+json"} | put(json.dumps(config).encode()),
                "layers": [{"mediaType": oci + "layer.v1.tar+gzip"} | put(gzip.compress(l, 6, mtime=0)) for l in layers]}
    top = {"mediaType": oci + "manifest.v1+json", "annotations": {"org.opencontainers.image.ref.name": "latest"}} | put(json.dumps(manifest).encode())
    json.dump({"schemaVersion": 2, "manifests": [top]}, open(f"{root}/index.json", "w"))
    json.dump({"imageLayoutVersion": "1.0.0"}, open(f"{root}/oci-layout", "w"))


def frontend_layer(binary):
    buf = io.BytesIO()
    with tarfile.open(fileobj=buf, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("bin/dockerfile-frontend")
        info.mode, info.mtime, info.size = 0o755, 1700000000, os.path.getsize(binary)
        tar.addfile(info, open(binary, "rb"))
    return buf.getvalue()


def wait_for(registry, port):
    """Returns once the registry accepts connections; raises where it ends instead, or takes more than 30 s."""
    end = time.monotonic() + 30
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if registry.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.05)


def main(storage, frontend=None):
    os.makedirs(storage, exist_ok=True)
    config = "version: 0.1\nloglevel: error\nstorage:\n  filesystem:\n    rootdirectory: %s/data\nhttp:\n  addr: 127.0.0.1:%d\n"
    open(f"{storage}/config.yaml", "w").write((config % (storage, 0)).replace("loglevel: error", "loglevel: debug"))
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    work = tempfile.mkdtemp()
    open(f"{work}/config.yaml", "w").write(config % (storage, port))
    busybox, alpine = layer(False), layer(True)
    image(f"{work}/busybox", [busybox], ["sh"])
    image(f"{work}/alpine", [alpine], ["/bin/sh"])
    image(f"{work}/nolayers", [], None)
    sources = {"busybox": ["library/busybox:latest", "library/busybox:stable-musl", "cpuguy83/buildkit-foreign:latest",
                           "amd64/debian:bullseye-20230109-slim", "tonistiigi/hellofs:latest"],
               "alpine": ["library/alpine:latest"], "nolayers": ["tonistiigi/test:nolayers"]}
    if frontend:
        caps = "moby.buildkit.frontend.inputs,moby.buildkit.frontend.subrequests,moby.buildkit.frontend.contexts"
        image(f"{work}/frontend", [frontend_layer(frontend)], None, {"Entrypoint": ["/bin/dockerfile-frontend"], "Labels": {
            "moby.buildkit.frontend.network.none": "true", "moby.buildkit.frontend.caps": caps}})
        with tarfile.open(f"{storage}/frontend.tar", "w") as tar:
            tar.add(f"{work}/frontend", ".")
        sources["frontend"] = ["docker/dockerfile:1", "docker/dockerfile:latest", "docker/dockerfile-upstream:master"]
    registry = subprocess.Popen(["docker-registry", "serve", f"{work}/config.yaml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(registry, port)
        for source, names in sources.items():
            for name in names:
                subprocess.run(["skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{work}/{source}:latest", f"docker://127.0.0.1:{port}/{name}"], check=True)
    finally:
        registry.terminate()
        registry.wait()
        shutil.rmtree(work)


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]), *sys.argv[2:3])
