"""One GET over HTTP/2. In: a TLS stream that agreed on h2. Out: an Answer in the words of HTTP/1.x.

The fields come in the order of the frame; `:status` becomes the status and is not kept as a header field.
"""

from collections.abc import Iterator, Sequence

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

from capture.http1 import Answer, TooBig
from capture.record.base import Header
from capture.tls_stream import TlsStream

STREAM = 1
"""The first stream of a client (RFC 9113 section 5.1.1)."""
FRAME_HEADER = 9
LONGEST_FRAME = 16_384
"""SETTINGS_MAX_FRAME_SIZE as it is until a client says otherwise, bytes."""
CONNECTION = ("connection", "host", "keep-alive", "transfer-encoding", "upgrade")
"""Fields that HTTP/2 does not have (RFC 9113 section 8.2.2)."""


async def get(stream: TlsStream, authority: str, target: str, headers: Sequence[Header], answer: Answer) -> None:
    """Sends one request and reads its answer into ANSWER; only a cancellation comes out."""
    # What a broken server sends is looked at and not corrected, but for frames that cannot be followed at all.
    config = h2.config.H2Configuration(validate_inbound_headers=False, validate_outbound_headers=False)
    connection = h2.connection.H2Connection(config)
    connection.initiate_connection()
    pseudo = [(":method", "GET"), (":scheme", "https"), (":authority", authority), (":path", target)]
    fields = [(header.name.lower(), header.value) for header in headers if header.name.lower() not in CONNECTION]
    connection.send_headers(STREAM, pseudo + fields, end_stream=True)
    try:
        await stream.write(connection.data_to_send())
        await _receive(connection, stream, answer)
    except TooBig as limit:
        answer.stopped_by = str(limit)
    except ConnectionError:
        answer.error = "reset"
    except OSError as error:
        answer.error = f"failed: {error.strerror or error}"
    except h2.exceptions.InvalidBodyLengthError as error:
        answer.framing = "truncated" if error.actual_length < error.expected_length else "surplus"
    except h2.exceptions.ProtocolError as error:
        answer.error = f"h2: {error}"


async def _receive(connection: h2.connection.H2Connection, stream: TlsStream, answer: Answer) -> None:
    buffer = bytearray()
    while True:
        data = await stream.read()
        answer.arrived(data)
        if not data:
            answer.framing = "truncated" if answer.status is not None else None
            answer.error = None if answer.status is not None else "closed"
            return
        buffer += data
        ended = False
        # One frame at a time, because the library forgets the frames before one that it objects to.
        for frame in _frames(buffer):
            ended |= any([_apply(connection, event, answer) for event in connection.receive_data(frame)])
        if ended:
            return
        if pending := connection.data_to_send():
            await stream.write(pending)


def _frames(buffer: bytearray) -> Iterator[bytes]:
    """Takes every whole frame; raises ProtocolError for one that is longer than we allow (RFC 9113 section 4.2)."""
    while len(buffer) >= FRAME_HEADER:
        length = int.from_bytes(buffer[:3])
        if length > LONGEST_FRAME:
            raise h2.exceptions.ProtocolError(f"frame of {length} bytes, {LONGEST_FRAME} are allowed")
        if len(buffer) < FRAME_HEADER + length:
            return
        frame = bytes(buffer[: FRAME_HEADER + length])
        del buffer[: FRAME_HEADER + length]
        yield frame


def _apply(connection: h2.connection.H2Connection, event: h2.events.Event, answer: Answer) -> bool:
    """Notes one event; true when the answer is over."""
    match event:
        case h2.events.InformationalResponseReceived(headers=fields):
            answer.informational.append(_status(fields) or 0)
        case h2.events.ResponseReceived(headers=fields):
            answer.status = _status(fields)
            answer.headers = [Header(name=_text(n), value=_text(v)) for n, v in fields or () if not n.startswith(b":")]
            lengths = [value for value in answer.values("content-length") if value.isascii() and value.isdigit()]
            answer.declared = int(lengths[0]) if lengths else None
            answer.keep(b"")
        case h2.events.DataReceived(data=data, flow_controlled_length=length):
            answer.keep(data or b"")
            connection.acknowledge_received_data(length or 0, STREAM)
        case h2.events.StreamEnded():
            answer.framing = "ok"
            return True
        case h2.events.StreamReset(error_code=code):
            answer.error = f"h2: stream reset, {_code(code)}"
            answer.framing = "truncated" if answer.status is not None else None
            return True
        case h2.events.ConnectionTerminated(error_code=code) if code:
            answer.error = f"h2: connection closed, {_code(code)}"
            return True
    return False


def _status(fields: Sequence[tuple[bytes, bytes]] | None) -> int | None:
    value = next((value for name, value in fields or () if name == b":status"), b"")
    return int(value) if value.isdigit() else None


def _text(raw: bytes) -> str:
    return raw.decode("latin-1")


def _code(code: object) -> str:
    return code.name if isinstance(code, h2.errors.ErrorCodes) else str(code)
