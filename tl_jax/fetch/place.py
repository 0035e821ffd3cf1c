"""One set into one data folder: each file checked, placed whole, recorded, unpacked and converted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection
from contextlib import contextmanager
from pathlib import Path

from tl_jax.errors import InputError
from tl_jax.fetch.checks import WrongContent, WrongHash, check_content, check_space
from tl_jax.fetch.manifest import DataSet, RemoteFile
from tl_jax.fetch.records import NAME, Records
from tl_jax.fetch.sources import Unreachable, obtain
from tl_jax.fetch.unpack import unpack
from tl_jax.system.files import check_writable, sha256_of
from tl_jax.system.parts import held

WORK = ".fetch"  # below the data folder: on the same disk, so that a rename puts things in place
After = Callable[[Path, Path, Callable[[str], None]], list[Path]]


@contextmanager
def at_work(folder: Path):
    """Hold the data folder against other fetches and yield an empty folder inside it for unfinished things."""
    check_writable(folder, "--data_dir")
    work = folder / WORK
    with held(work, "--data_dir"):
        clear(work)
        try:
            yield work
        finally:
            clear(work)


def clear(work: Path) -> None:
    for path in work.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != "lock":
            path.unlink(missing_ok=True)


class Placing:
    """Puts the files of a set into `folder`.

    from_dir: a folder of hand-placed files, used in place of the network. accept: names whose recorded hash may be
    replaced. after: {step: function(file, folder, say) -> what it wrote}, of which a set names what it needs.
    """

    def __init__(
        self,
        dataset: DataSet,
        folder: Path,
        say: Callable[[str], None],
        *,
        from_dir: Path | None = None,
        accept: Collection[str] = (),
        after: dict[str, After] | None = None,
        patience=None,
    ):
        self.set, self.folder, self.say = dataset, Path(folder), say
        self.from_dir, self.accept, self.after, self.patience = from_dir, accept, after or {}, patience

    def run(self) -> list[Path]:
        """All of the set's files, in the data folder. Raises InputError with every file that could not be had."""
        with at_work(self.folder) as self.work:
            self.records = Records(self.folder)
            self.need_space()
            ready, failed = [], []
            for file in self.set.files:
                try:
                    self.bring(file)
                    ready += [self.folder / file.name, *self.unpacked(file), *self.converted(file)]
                except (Unreachable, WrongHash) as error:
                    failed.append(str(error))
        if failed:
            note = f" ({self.set.note})" if self.set.note else ""
            raise InputError(f"the set {self.set.name} is not complete{note}: {'; '.join(failed)}")
        return ready

    def need_space(self) -> None:
        missing = [file for file in self.set.files if not (self.folder / file.name).exists()]
        check_space(self.folder, sum(file.bytes for file in missing), f"the set {self.set.name}")

    def bring(self, file: RemoteFile) -> None:
        """Have the file in the data folder. Raises Unreachable or WrongHash where it cannot be had."""
        target = self.folder / file.name
        known = file.sha256 or self.records.sha256(file.name)
        if target.is_symlink() or target.exists():
            self.keep(file, target, known)
            return
        if file.name in self.accept:
            known = self.forget_hash(file, known)
        arrived = self.work / file.name
        address = self.copy_from(file, arrived, known) if self.from_dir else self.download(file, arrived, known)
        self.put(arrived, sha256_of(arrived), address, known)

    def keep(self, file: RemoteFile, target: Path, known: str) -> None:
        """A file that is there already: right, not known yet, or refused."""
        if not target.is_file():
            raise InputError(f"{target} is not a file; move it away")
        try:
            check_content(target, file.name, file.size)
        except WrongContent as error:
            raise InputError(f"{target} is {error}; delete it and fetch it again") from error
        digest = sha256_of(target)
        if digest == known:
            self.say(f"{file.name} is there already, with the right hash")
            if not self.records.sha256(file.name):
                self.record(target, digest, "found in the folder")
            return
        if known and not (file.name in self.accept and not file.sha256):
            remedy = "move it away and fetch it again"
            if not file.sha256:
                remedy += f", or trust it with --accept_new_hash={file.name}"
            raise InputError(f"{target} has SHA-256 {digest} instead of {known}; {remedy}")
        if known:
            self.say(f"ATTENTION: {file.name}: the recorded SHA-256 {known} is replaced by {digest}, as you asked")
        else:
            self.say(f"{file.name} was there before; its SHA-256 {digest} is trusted from now on")
        self.record(target, digest, "found in the folder")

    def forget_hash(self, file: RemoteFile, known: str) -> str:
        """The hash to enforce although --accept_new_hash names the file: that of the manifest, which stands."""
        if file.sha256:
            raise InputError(f"--accept_new_hash={file.name}: its hash is part of the manifest and cannot be replaced")
        if known:
            self.say(f"ATTENTION: {file.name}: the recorded SHA-256 {known} is given up, as you asked")
        return ""

    def copy_from(self, file: RemoteFile, arrived: Path, known: str) -> str:
        """A hand-placed file, checked like one that was fetched."""
        source = self.from_dir / file.name
        if not source.is_file():
            links = ", ".join(file.addresses) or "it has no public address"
            raise Unreachable(f"{self.from_dir} holds no file {file.name} ({links})")
        check_space(self.folder, source.stat().st_size, file.name)
        shutil.copyfile(source, arrived)
        try:
            check_content(arrived, file.name, file.size)
        except WrongContent as error:
            raise InputError(f"{source} is {error}; get it again") from error
        digest = sha256_of(arrived)
        if known and digest != known:
            raise InputError(f"{source} has SHA-256 {digest} instead of {known}; {self.remedy(file)}")
        return f"by hand, {source}"

    def download(self, file: RemoteFile, arrived: Path, known: str) -> str:
        by_hand = "place it by hand in a folder and add --from_dir=FOLDER"
        if file.by_hand:
            raise Unreachable(f"{file.name} has no public address; {by_hand}")
        try:
            return obtain(file, arrived, known, self.say, self.patience)
        except WrongHash as error:
            raise WrongHash(f"{error}; {self.remedy(file)}") from error
        except Unreachable as error:
            raise Unreachable(f"{error}; {by_hand}") from error

    def remedy(self, file: RemoteFile) -> str:
        """What to do about a file whose hash is another than the one known."""
        if file.sha256:
            return "it is not the file that the manifest means"
        dated = self.records.get(file.name).get("date", "an earlier day")
        return f"another came on {dated}: if the owner has replaced it, add --accept_new_hash={file.name}"

    def put(self, arrived: Path, digest: str, address: str, known: str) -> None:
        """By rename, once the bytes are on the disk."""
        with open(arrived, "rb") as file:
            os.fsync(file.fileno())
        target = self.folder / arrived.name
        os.replace(arrived, target)
        self.record(target, digest, address)
        trust = "as known" if known else f"trusted on first use, enforced from now on ({NAME})"
        self.say(f"{target.name}: {target.stat().st_size:,} bytes, SHA-256 {digest}, {trust}")

    def record(self, target: Path, digest: str, address: str) -> None:
        self.records.write(target, digest, of=self.set.name, release=self.set.release, address=address)

    def unpacked(self, file: RemoteFile) -> list[Path]:
        """The named members of an archive, each beside it."""
        wanted = [m for m in file.unpack if not self.made_before(m.name, file.name)]
        if wanted:
            for name, arrived in unpack(self.folder / file.name, wanted, self.work).items():
                self.put_made(arrived, f"unpacked from {file.name}", file.name)
                self.say(f"{name}: unpacked from {file.name}")
        return [self.folder / m.name for m in file.unpack if (self.folder / m.name).is_file()]

    def converted(self, file: RemoteFile) -> list[Path]:
        """What the step after the download makes, in a folder of its own first."""
        if not file.after:
            return []
        before = self.records.get(file.name).get("made")
        if before and all(self.made_before(name, file.name) for name in before):
            return [self.folder / name for name in before]
        if file.after not in self.after:
            raise InputError(f"the manifest asks for the step '{file.after}', which does not exist; correct 'after'")
        made = self.work / "made"
        made.mkdir()
        written = [Path(path) for path in self.after[file.after](self.folder / file.name, made, self.say)]
        for path in written:
            self.put_made(path, f"made from {file.name}", file.name)
            self.say(f"{path.name}: made from {file.name}")
        self.records.note(file.name, made=[path.name for path in written])
        return [self.folder / path.name for path in written]

    def made_before(self, name: str, parent: str) -> bool:
        """Whether a file made of `parent` stands unchanged; InputError where it was changed since."""
        target, record = self.folder / name, self.records.get(name)
        if not target.exists() or record.get("of_sha256") != self.records.sha256(parent):
            return False
        if sha256_of(target) != record["sha256"]:
            raise InputError(f"{target} was changed since it was made from {parent}; move it away to have it made anew")
        return True

    def put_made(self, arrived: Path, address: str, parent: str) -> None:
        """A file made of another; one of that name that is there, and was not made here, is never written over."""
        target, digest = self.folder / arrived.name, sha256_of(arrived)
        if target.is_symlink() or target.exists():
            old = sha256_of(target) if target.is_file() else ""
            if old not in (digest, self.records.sha256(target.name)) or not old:
                raise InputError(f"{target} is there already and differs from what {parent} gives; move it away")
        os.replace(arrived, target)
        of, release = self.set.name, self.set.release
        more = {"of_sha256": self.records.sha256(parent)}
        self.records.write(target, digest, of=of, release=release, address=address, **more)
