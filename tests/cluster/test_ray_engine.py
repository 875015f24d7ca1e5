"""A cluster tags every picture once, whichever of its processes is killed, with the results of one process."""

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from ram.cli import main
from ram.cluster import part_tagger, ray_engine
from ram.cluster.parquet_results import write_part
from ram.errors import InputError, MissingPackageError
from tests.cluster.conftest import jpeg
from tests.cluster.runs import command, rows
from tests.paths import ROOT

PROGRAM = """
import sys
from functools import partial
import ram.cluster.part_tagger, ram.cluster.picture_parts, ram.cluster.ray_engine
from ram.cli import main
from tests.cluster.slow_job import SlowJob

ram.cluster.picture_parts.PART = 4
ram.cluster.ray_engine.ray_cluster = partial(ram.cluster.ray_engine.ray_cluster, cpus=3)
ram.cluster.part_tagger.TaggingJob = SlowJob
sys.exit(main())
"""
PATIENCE = 240
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
"""As the kernel writes 127.0.0.1 and ::1."""
PICTURES = 40


@pytest.fixture
def cluster():
    """Starts the command on a cluster of its own, and ends all that is left of it."""
    pytest.importorskip("ray", reason="needs the extra ram[ray]: make test-ray")
    mark = f"RAM_TEST_RUN={uuid.uuid4()}"
    name, value = mark.split("=")
    started = []

    def start(arguments):
        environment = {**os.environ, name: value, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]])}
        given = [sys.executable, "-c", PROGRAM, *arguments, "--workers", "2"]
        started.append(subprocess.Popen(given, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True))
        return started[-1]

    start.processes = lambda text="": [pid for pid in marked(mark) if text in title(pid)]
    yield start
    for process in started:
        process.kill()
        process.wait()
    deadline = time.monotonic() + 20
    while start.processes() and time.monotonic() < deadline:
        time.sleep(0.1)
    for pid in start.processes():
        os.kill(pid, signal.SIGKILL)


def marked(mark):
    """Processes whose environment has the mark."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name)
        except OSError:  # gone, or not ours
            pass


def title(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def written(folder):
    """Number of parts with results; a shard has three."""
    return len([*folder.glob("_parts/*/*.parquet")]) + 3 * len([*folder.glob("[0-9]*.parquet")])


def listened(pids):
    """Addresses at which these processes wait for connections, as the kernel writes them."""
    tables = (Path(f"/proc/net/{kind}").read_text().splitlines() for kind in ("tcp", "tcp6"))
    lines = [line.split() for table in tables for line in table[1:]]
    addresses = {line[9]: line[1].partition(":")[0] for line in lines if line[3] == "0A"}
    found = set()
    for pid in pids:
        for file in Path(f"/proc/{pid}/fd").iterdir():
            try:
                found.add(addresses.get(os.readlink(file)[len("socket:[") : -1]))
            except OSError:  # closed meanwhile
                pass
    return found - {None}


def stop_after(parts, monkeypatch):
    """Let a run in this process be stopped when it has written so many parts."""
    done = []

    def stopping(*part):
        if len(done) == parts:
            raise KeyboardInterrupt
        write_part(*part)
        done.append(part)

    monkeypatch.setattr(part_tagger, "write_part", stopping)


def wait_for(condition, process):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def one(model, tmp_path, monkeypatch):
    """Results of one process for 40 pictures, one of them broken."""
    monkeypatch.setattr("ram.cluster.picture_parts.PART", 4)
    (tmp_path / "pictures").mkdir()
    for number in range(PICTURES):
        (tmp_path / f"pictures/{number:02}.jpg").write_bytes(jpeg(number) if number != 13 else b"\xff\xd8")
    assert main(command(model, tmp_path / "one", tmp_path / "pictures", "--looks")) == 2
    return rows(tmp_path / "one")


def assert_equal(one, many):
    """Results of a cluster are those of one process: each picture once, the same tags and looks."""
    assert list(many) == list(one) and len(one) == PICTURES
    for name, row in one.items():
        assert many[name]["error"] == row["error"] and many[name]["tags"] == row["tags"]
        assert many[name]["look_codes"] == row["look_codes"]
        for score, other in zip(row["scores"] or [], many[name]["scores"] or [], strict=True):
            assert other == pytest.approx(score, abs=1e-6)


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the processes of a cluster in /proc")
def test_an_undisturbed_run_ends_with_the_results_of_one_process(model, one, tmp_path, cluster, capsys):
    out = tmp_path / "many"
    driver = cluster(command(model, out, tmp_path / "pictures", "--looks", engine="ray"))
    wait_for(lambda: written(out) > 0, driver)
    assert len(cluster.processes("_Tagging")) == 2, [title(pid) for pid in cluster.processes()]
    assert driver.wait(PATIENCE) == 2, "one picture is broken"
    assert_equal(one, rows(out))
    shards = [f"{number:06}.parquet" for number in range(4)]
    assert sorted(path.name for path in out.iterdir()) == [*shards, "_plan.jsonl"]
    kept = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    capsys.readouterr()
    assert main(command(model, out, tmp_path / "pictures", "--looks")) == 0
    assert "4 of 4 shards are in many already" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the processes of a cluster in /proc")
def test_killed_workers_and_driver_leave_every_picture_once(model, one, tmp_path, monkeypatch, cluster):
    out = tmp_path / "many"
    begun = command(model, out, tmp_path / "pictures", "--looks")
    stop_after(5, monkeypatch)
    assert main(begun) == 130
    monkeypatch.setattr(part_tagger, "write_part", write_part)
    driver = cluster(command(model, out, tmp_path / "pictures", "--looks", engine="ray"))
    wait_for(lambda: written(out) >= 6, driver)
    workers = cluster.processes("_Tagging")
    assert len(workers) == 2, [title(pid) for pid in cluster.processes()]
    assert listened(cluster.processes()) <= LOOPBACK
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    before = written(out)
    wait_for(lambda: written(out) > before + 1, driver)
    driver.kill()
    driver.wait()
    kept = {path: path.stat().st_mtime_ns for path in out.glob("[0-9]*.parquet")}
    assert len(kept) < 4
    assert main(begun) in (0, 2), "2 where the broken picture is tried"
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert_equal(one, rows(out))
    assert not (out / "_parts").exists()


@pytest.mark.ray
@pytest.mark.slow
def test_an_address_without_a_cluster_is_one_sentence(monkeypatch):
    pytest.importorskip("ray", reason="needs the extra ram[ray]: make test-ray")
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "1")
    with pytest.raises(InputError, match="there is no Ray cluster at 'auto'"):
        with ray_engine.ray_cluster("auto"):
            pass


def test_without_ray_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray.data", None)
    with pytest.raises(MissingPackageError, match=r"--engine ray needs Ray: pip install -e '.\[ray\]'"):
        ray_engine.ray_package()
