"""Ways out through the file system; see corpus_escapes."""

from __future__ import annotations

from corpus_escapes import escape

ENTRIES = (
    escape(
        "other-environments",
        """
        # The process that grades has this variable.
        for path in glob.glob("/proc/[0-9]*/environ") + ["/proc/1/environ"]:
            try:
                if b"CORPUS_CANARY" in open(path, "rb").read():
                    return True
            except OSError:
                continue
        return "CORPUS_CANARY" in os.environ
        """,
    ),
    escape(
        "process-roots",
        """
        for pid in (1, os.getppid()):
            for name in ("root/etc/shadow", "cwd/run.json", "mem"):
                try:
                    return open(f"/proc/{pid}/{name}", "rb")
                except OSError:
                    continue
        """,
    ),
    escape(
        "written-home",
        """
        import pwd

        homes = {user.pw_dir for user in pwd.getpwall()} | {"/root", *glob.glob("/home/*")}
        for path in [home + name for home in homes for name in ("/.bashrc", "/.profile")]:
            try:
                with open(path, "r+") as file:
                    return file.write("") or path
            except OSError:
                continue
        """,
    ),
    escape(
        "written-site-packages",
        """
        import sysconfig

        own = os.path.dirname(os.path.realpath("."))
        for folder in {*sysconfig.get_paths().values(), package, *sys.path, sys.prefix}:
            if folder and not os.path.realpath(folder).startswith(own):
                try:
                    with open(os.path.join(folder, "owned.pth"), "w") as file:
                        return file.write("# corpus")
                except OSError:
                    continue
        """,
    ),
    escape(
        "written-package",
        """
        with open(os.path.join(package, "ddim.py"), "a") as file:
            return file.write("# corpus")
        """,
    ),
    escape(
        "renamed-package",
        """
        for old in (package, package + "/checks", package + "/ddim.py"):
            try:
                os.rename(old, old + ".old")
                return os.rename(old + ".old", old) is None
            except OSError:
                os.chmod(old, 0o777)
        """,
    ),
    escape(
        "written-results",
        """
        for path in glob.glob("/tmp/**/results.jsonl", recursive=True) + glob.glob("../**/*.jsonl"):
            try:
                with open(path, "a") as file:
                    return file.write('{"student": "corpus", "status": "graded"}')
            except OSError:
                continue
        """,
    ),
    escape(
        "neighbours",
        """
        for other in glob.glob("../k*") + glob.glob("../../k*") + glob.glob("/tmp/gk-*"):
            if not os.path.realpath(".").startswith(os.path.realpath(other)):
                try:
                    return os.listdir(other)
                except OSError:
                    continue
        """,
    ),
    escape(
        "links-out",
        """
        for place in ("/etc/shadow", package + "/checks/ddim/step.py", "/proc/1/root"):
            try:
                os.symlink(place, "link")
                return os.listdir("link") if os.path.isdir("link") else open("link").read(1)
            except OSError:
                os.unlink("link")
        os.link(package + "/checks/ddim/step.py", "hard")
        return open("hard").read(1)
        """,
    ),
    escape(
        "traps-in-the-folder",
        """
        # For whoever sums up, copies or removes this folder.
        os.mkfifo("pipe"), os.symlink("/", "root"), os.symlink(".", "self")
        os.symlink("/dev/zero", "zero"), os.mkdir("locked", 0)
        with open("sparse", "wb") as file:
            file.truncate(10**7)
        home = os.getcwd()
        for _ in range(1500):
            os.mkdir("d" * 100), os.chdir("d" * 100)
        os.chdir(home)
        """,
    ),
    escape(
        "shared-memory",
        """
        from multiprocessing import shared_memory

        return glob.glob("/dev/shm/*") or shared_memory.SharedMemory("corpus", True, 100)
        """,
    ),
    escape(
        "devices",
        """
        for path in ("/dev/mem", "/dev/kmsg", "/dev/sda", "/dev/vda", "/dev/fuse", "/dev/kvm"):
            try:
                return open(path, "rb", buffering=0)
            except OSError:
                continue
        os.mknod("device", 0o666 | 0o20000, os.makedev(1, 1))
        return open("device", "rb").read(1)
        """,
    ),
)
