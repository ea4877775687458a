"""A folder, S3 and fsspec's memory keep the same promises."""

from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clawtrace_otel.storage.interface import Store
from clawtrace_otel.storage.open import open_store
from tests.storage.s3 import S3

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)


@pytest.fixture(params=["folder", "s3", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where nothing is yet."""
    if request.param == "folder":
        return str(tmp_path / "cards")
    if request.param == "s3":
        url: str = request.getfixturevalue("where")
        return url
    return f"memory://{uuid4().hex}/cards"


@pytest.fixture
def store(place: str) -> Store:
    """A store that was checked."""
    opened = open_store(place)
    opened.check()
    return opened


def test_what_is_written_is_read_by_who_opens_it_anew(store: Store, place: str) -> None:
    store.write("a.yaml", "one: ä\n")
    store.write("a.yaml", "two: ☃\r\n")
    assert open_store(place).read("a.yaml") == "two: ☃\r\n".encode()


def test_a_new_store_is_empty_and_checking_it_twice_changes_nothing(store: Store) -> None:
    store.check()
    assert store.names() == []


def test_names_are_sorted_and_those_of_the_stores_own_files_are_left_out(store: Store) -> None:
    for name in ("b.yaml", ".hidden.json", "a.yaml"):
        store.write(name, "")
    assert store.names() == ["a.yaml", "b.yaml"]


def test_a_file_that_is_not_there_is_an_error_of_that_kind(store: Store) -> None:
    with pytest.raises(FileNotFoundError):
        store.read("a.yaml")
    with pytest.raises(FileNotFoundError):
        store.read("a.yaml", 10)


def test_of_a_large_file_one_byte_more_than_asked_for_is_read(store: Store) -> None:
    store.write("a.yaml", "x" * 5000)
    assert len(store.read("a.yaml", 99)) == 100
    assert len(store.read("a.yaml", 5000)) == 5000


def test_an_empty_file_is_empty(store: Store) -> None:
    store.write("a.yaml", "")
    assert store.read("a.yaml", 10) == b""
    assert list(store.read_many(["a.yaml"], 10)) == [("a.yaml", b"")]


def test_many_are_read_in_the_order_that_was_asked_for(store: Store) -> None:
    for n in range(40):
        store.write(f"{n}.yaml", str(n))
    names = [f"{n}.yaml" for n in range(40)]
    names.insert(7, "none.yaml")
    found = list(store.read_many(names, 1000))
    assert [name for name, _ in found] == names
    assert isinstance(found.pop(7)[1], FileNotFoundError)
    assert [content for _, content in found] == [str(n).encode() for n in range(40)]


def test_a_removed_file_is_gone_and_removing_it_again_is_no_error(store: Store) -> None:
    store.write("a.yaml", "")
    assert store.missing(["a.yaml", "b.yaml"]) == {"b.yaml"}
    for _ in range(2):
        store.remove("a.yaml")
    assert store.missing(["a.yaml"]) == {"a.yaml"}
    assert store.missing([]) == set()


def test_it_is_the_same_folder_for_all_who_open_it(store: Store, place: str) -> None:
    assert store.identity() is not None
    assert open_store(place).identity() == store.identity()


def test_one_that_is_not_there_is_no_folder(place: str) -> None:
    assert open_store(place).identity() is None


def test_bytes_are_the_same_in_a_folder_and_in_s3(s3: S3, where: str, tmp_path: Path) -> None:
    stores = open_store(tmp_path), open_store(where)

    @settings(max_examples=20)
    @given(text=TEXTS)
    def check(text: str) -> None:
        for store in stores:
            store.write("a.yaml", text)
        assert s3.objects(where)["a.yaml"] == (tmp_path / "a.yaml").read_bytes()

    check()
