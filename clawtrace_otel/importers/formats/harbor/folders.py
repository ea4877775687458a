"""Where the files of a Harbor job are.

    JOB/config.json, result.json, lock.json         of the job
    JOB/TRIAL/config.json, result.json, lock.json   of a trial
    JOB/TRIAL/agent/trajectory.json                 what the agent did, as ATIF
    JOB/TRIAL/agent/...                             what else the agent left
    JOB/TRIAL/verifier/reward.txt, reward.json      the reward
    JOB/TRIAL/verifier/ctrf.json                    the tests, in many tasks
    JOB/TRIAL/steps/STEP/agent, verifier            the same of a task that has several steps

Source: ``harbor/models/trial/paths.py`` of Harbor 0.24 and 0.25.
"""

from pathlib import Path

CONFIG = "config.json"
RESULT = "result.json"
LOCK = "lock.json"
AGENT = "agent"
VERIFIER = "verifier"
STEPS = "steps"
TRAJECTORY = "trajectory.json"

_OWN = frozenset({CONFIG, RESULT, LOCK})
_FOLDERS = frozenset({AGENT, VERIFIER, STEPS, "user-agent", "artifacts"})
_TRIAL = b'"trial_name"'
_JOB = b'"n_total_trials"', b'"jobs_dir"', b'"n_concurrent_trials"'
_HEAD_BYTES = 16_384


def trial_of(path: Path) -> Path | None:
    """The folder of the trial that a file belongs to; ``None`` if it is of none.

    Raises:
        OSError: a file cannot be read.
    """
    above = [path.parent]
    above += [folder.parent for folder in path.parents if folder.name in _FOLDERS]
    return next((folder for folder in above if _is_trial(folder)), None)


def _is_trial(folder: Path) -> bool:
    heads = [_head(folder / name) for name in (CONFIG, RESULT)]
    return any(_TRIAL in head and not _is_of_job(head) for head in heads)


def is_of_job(path: Path, head: bytes) -> bool:
    """Whether a file tells of a whole job."""
    return path.name in _OWN and _is_of_job(head)


def _is_of_job(head: bytes) -> bool:
    return any(key in head for key in _JOB)


def beside(path: Path, name: str) -> Path | None:
    """The file of a name in the folder of another one; ``None`` if it is none of that folder."""
    found = path.parent / name
    try:
        return found if found.parent == path.parent and found.is_file() else None
    except OSError:  # no name that a file can have
        return None


def _head(path: Path) -> bytes:
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)


def runs_of(trial: Path, steps: list[str]) -> list[Path]:
    """The folders that have an agent's and a verifier's files each, in the order of the steps.

    Args:
        trial: its folder.
        steps: names of the steps, as far as they are known.

    Raises:
        OSError: a folder cannot be read.
    """
    of_steps = trial / STEPS
    if not of_steps.is_dir():
        return [trial]
    known = {name: number for number, name in enumerate(steps)}
    found = sorted(
        (folder for folder in of_steps.iterdir() if folder.is_dir()),
        key=lambda folder: (known.get(folder.name, len(known)), folder.name),
    )
    return [*found, trial]
