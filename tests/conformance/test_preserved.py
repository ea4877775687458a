"""Point 25: what a receiver sends on is what it got."""

from collections.abc import Callable
from copy import deepcopy

import pytest
from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.collector.peers import export
from tests.conformance.checklist import may, must, should
from tests.conformance.rich import HOLDERS, rich
from tests.conformance.sink import Landed
from tests.conformance.target import Target


def _of_span(name: str) -> Callable[[Landed], object]:
    return lambda landed: getattr(landed.span, name)


FIELDS: dict[str, Callable[[Landed], object]] = {
    **{field.name: _of_span(field.name) for field in Span.DESCRIPTOR.fields},
    "resource attributes": lambda landed: landed.resource.resource.attributes,
    "resource count": lambda landed: landed.resource.resource.dropped_attributes_count,
    "resource schema_url": lambda landed: landed.resource.schema_url,
    "scope": lambda landed: landed.scope.scope,
    "scope schema_url": lambda landed: landed.scope.schema_url,
}


@pytest.fixture(scope="module", name="pair")
def _pair(target: Target) -> tuple[Landed, Landed]:
    """What was sent, and what came out."""
    sent = rich(target.trace("rich"))
    request = ExportTraceServiceRequest(resource_spans=[sent.resource])
    export(target.grpc, request.SerializeToString())
    (landed,) = target.landed(target.trace("rich"))
    return sent, landed


@should(25)
@pytest.mark.parametrize("name", FIELDS)
def test_a_field_comes_out_as_it_went_in(pair: tuple[Landed, Landed], name: str) -> None:
    sent, landed = (FIELDS[name](known(one)) for one in pair)
    assert sent
    assert landed == sent


@must(18)
def test_unknown_fields_in_protobuf_lose_nothing_else(pair: tuple[Landed, Landed]) -> None:
    """Every message of the span that was sent has one."""
    sent, landed = pair
    assert (landed.span.trace_id, landed.span.span_id) == (sent.span.trace_id, sent.span.span_id)
    assert landed.span.name == sent.span.name


def known(landed: Landed) -> Landed:
    """A copy without fields of a protocol to come."""
    copy = deepcopy(landed)
    for message in (copy.resource, copy.scope, copy.span):
        message.DiscardUnknownFields()
    return copy


@may(25)
@pytest.mark.parametrize("name", HOLDERS)
def test_a_field_of_a_protocol_to_come_is_sent_on(pair: tuple[Landed, Landed], name: str) -> None:
    for one in pair:
        fields = UnknownFieldSet(HOLDERS[name](one))
        assert [(fields[n].field_number, fields[n].data) for n in range(len(fields))] == [
            (1023, b"new")
        ]
