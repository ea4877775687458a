"""The scenes of generated runs: a few calls each, of which it is known what they brought."""

import json
from collections.abc import Callable, Mapping

from tests.evidence.script import Script

Scene = Callable[[Script], None]

SHARES: Mapping[str, int] = {
    "new: reads of different things": 24,
    "new: one template, other values": 14,
    "new: one template, all answers empty": 6,
    "again, equal": 12,
    "again, keys in another order": 3,
    "again, in another shell": 2,
    "again, a number spelled otherwise": 2,
    "again, in nearly the same words": 3,
    "again, no arguments": 2,
    "again, results not recorded": 2,
    "again after something else was written": 5,
    "again after it was written: another answer": 5,
    "again after it was written: the same answer": 2,
    "polling: progress": 5,
    "polling: nothing yet": 2,
    "no arguments, another answer": 2,
    "arguments not recorded": 2,
    "failed, then made again and succeeded": 3,
    "failed, then made again for nothing": 2,
    "another agent's call": 2,
}
"""Of 100 scenes; two to six calls each."""


def _json(**arguments: object) -> str:
    return json.dumps(arguments)


def _query(script: Script, name: str) -> str:
    rng = script.rng
    day = f"2026-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
    where = f"customer_id = {rng.randint(1000, 99999)} AND placed_at >= '{day}'"
    return f"SELECT id, total FROM {name} WHERE {where} ORDER BY placed_at LIMIT 50"


def _rows(script: Script) -> str:
    return json.dumps([{"id": script.rng.randrange(10**6), "total": script.rng.randrange(10**4)}])


def _different(script: Script) -> None:
    for _ in range(script.rng.randint(2, 5)):
        name = script.name()
        if script.rng.random() < 0.5:
            script.call("read_file", _json(path=f"src/{name}.py"), f"def {name}(): ...")
        else:
            script.call("search", _json(query=name.replace("_", " ")), f"1 page about {name}")


def _template(script: Script) -> None:
    name = script.name()
    for sql in {_query(script, name): None for _ in range(script.rng.randint(3, 6))}:
        script.call("query", _json(sql=sql), _rows(script))


def _template_empty(script: Script) -> None:
    name = script.name()
    for sql in {_query(script, name): None for _ in range(script.rng.randint(3, 6))}:
        script.call("query", _json(sql=sql), "[]")


def _equal(script: Script) -> None:
    path = f"docs/{script.name()}.md"
    text = f"# About {path}\n"
    for turn in range(script.rng.randint(2, 4)):
        if turn:
            script.meanwhile()
        script.call("read_file", _json(path=path), text, redundant=turn > 0)


def _twice(script: Script, tool: str, first: str | None, second: str | None, result: str) -> None:
    script.call(tool, first, result)
    script.meanwhile()
    script.call(tool, second, result, redundant=True)


def _key_order(script: Script) -> None:
    path = f"src/{script.name()}.py"
    first, second = _json(path=path, offset=10, limit=40), _json(limit=40, offset=10, path=path)
    _twice(script, "read_file", first, second, f"lines of {path}")


def _shell(script: Script) -> None:
    call = {"path": f"src/{script.name()}.py"}
    shells = (json.dumps({"input": call}), json.dumps({"args": [], "kwargs": call}))
    _twice(script, "read_file", json.dumps(call), script.rng.choice(shells), f"text of {call}")


def _number(script: Script) -> None:
    path = f"src/{script.name()}.py"
    first, second = _json(path=path, offset=200), _json(path=path, offset=200.0)
    _twice(script, "read_file", first, second, f"lines of {path}")


def _nearly(script: Script) -> None:
    words = f"how does {script.name().replace('_', ' ')} handle retries"
    other = script.rng.choice((words + "?", words.capitalize(), words.replace("does ", "does  ")))
    _twice(script, "search", _json(query=words), _json(query=other), f"3 pages about {words}")


def _no_arguments(script: Script) -> None:
    _twice(script, f"list_{script.name()}", "{}", "{}", json.dumps(["a", "b", script.name()]))


def _no_results(script: Script) -> None:
    arguments = _json(path=f"src/{script.name()}.py")
    script.call("read_file", arguments, None)
    script.meanwhile()
    script.call("read_file", arguments, None, redundant=True)


def _other_written(script: Script) -> None:
    path, other = f"src/{script.name()}.py", f"src/{script.name()}.py"
    script.call("read_file", _json(path=path), f"text of {path}")
    script.meanwhile()
    script.call("write_file", _json(path=other, text=script.name()), "written")
    script.call("read_file", _json(path=path), f"text of {path}", redundant=True)


def _written(script: Script) -> None:
    path, text = f"src/{script.name()}.py", script.name()
    script.call("read_file", _json(path=path), f"text of {path}")
    script.meanwhile()
    script.call("write_file", _json(path=path, text=text), "written")
    script.call("read_file", _json(path=path), text)


def _checked(script: Script) -> None:
    """A formatter that found nothing to do: the second reading is how the agent learns it."""
    path = f"src/{script.name()}.py"
    script.call("read_file", _json(path=path), f"text of {path}")
    script.meanwhile()
    script.call("format_file", _json(path=path), "done")
    script.call("read_file", _json(path=path), f"text of {path}")


def _progress(script: Script) -> None:
    job, percent = _json(job=script.name()), 0
    for _ in range(script.rng.randint(3, 6)):
        percent += script.rng.randint(1, 16)
        script.call("job_status", job, f"running, {percent} %")


def _waiting(script: Script) -> None:
    """What is asked about changes by itself: nobody could have known that it had not yet."""
    job = _json(job=script.name())
    for _ in range(script.rng.randint(2, 4)):
        script.call("job_status", job, "queued")


def _clock(script: Script) -> None:
    tool = f"get_{script.name()}"
    for _ in range(script.rng.randint(2, 3)):
        script.call(tool, "{}", f"2026-11-02 10:{len(script.spans) % 60:02}:{script.name()}")


def _unrecorded(script: Script) -> None:
    for _ in range(script.rng.randint(2, 4)):
        script.call("bash", None, script.rng.choice(("", "done")))


def _repaired(script: Script) -> None:
    arguments = _json(query=script.name())
    script.call("search", arguments, "Error: timed out", failed=True)
    script.meanwhile()
    script.call("search", arguments, "2 pages")


def _in_vain(script: Script) -> None:
    """An error that says what is wrong, and the same call once more."""
    name = script.name()
    arguments, error = _json(sql=f"SELECT * FROM {name}"), f"Error: no such table: {name}"
    script.call("query", arguments, error, failed=True)
    script.meanwhile()
    script.call("query", arguments, error, failed=True, redundant=True)


def _other_agent(script: Script) -> None:
    arguments, text = _json(path=f"docs/{script.name()}.md"), script.name()
    script.call("read_file", arguments, text)
    agent = script.sub_agent()
    script.call("read_file", arguments, text, agent=agent)


SCENE_OF: Mapping[str, Scene] = dict(
    zip(
        SHARES,
        (
            _different,
            _template,
            _template_empty,
            _equal,
            _key_order,
            _shell,
            _number,
            _nearly,
            _no_arguments,
            _no_results,
            _other_written,
            _written,
            _checked,
            _progress,
            _waiting,
            _clock,
            _unrecorded,
            _repaired,
            _in_vain,
            _other_agent,
        ),
        strict=True,
    )
)
