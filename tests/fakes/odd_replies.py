"""Three hundred odd things a server may write: names, numbers, headers, framing and packing, each as a play of `RawServer`."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fakes.raw_server import Play, Talk

READ, LATER, FAILED = "read", "read at a later attempt", "failed"
"""What must come of it: an answer from the first request, one from a later request, or a failure with a kind."""


@dataclass
class Odd:
    """One odd reply."""

    name: str
    play: Play
    due: str = READ
    timeout: float = 8.0


def envelope(talk: Talk, changes: dict[str, str] | None = None, **parts: Any) -> bytes:
    """A good reply; `changes` replaces whole members by raw JSON text, since some of it no writer of JSON would write."""
    reason = parts.get("reason", "seen")
    message = {"role": "assistant", "content": talk.answers(reason), **parts.get("message", {})}
    choice = {"index": 0, "message": message, "finish_reason": "stop", **parts.get("choice", {})}
    members = {
        "id": '"chat-1"',
        "model": '"served-1"',
        "system_fingerprint": '"fp"',
        "choices": json.dumps([choice]),
        "usage": '{"prompt_tokens": 1000, "completion_tokens": 100}',
        **(changes or {}),
    }
    return ("{" + ", ".join(f'"{name}": {value}' for name, value in members.items()) + "}").encode()


def framed(body: bytes, *headers: str, status: str = "200 OK", version: str = "1.1") -> bytes:
    lines = [f"HTTP/{version} {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def whole(make: Callable[[Talk], bytes], *headers: str, status: str = "200 OK") -> Play:
    return lambda talk: talk.write(framed(make(talk), *headers, status=status))


def chunked(talk: Talk, *headers: str) -> None:
    lines = ["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", *headers]
    talk.write("\r\n".join(lines).encode() + b"\r\n\r\n")


NAMES = {
    "half a pair": r'"a\ud800b"',
    "the other half": r'"\udfff"',
    "NUL": r'"a\u0000b"',
    "an escape": r'"\u001b[31mred\u001b[0m"',
    "a raw newline": '"a\nb"',
    "a raw tab and bell": '"a\tb\x07"',
    "lines": r'"a\r\n\u2028b"',
    "another direction": r'"\u202eabc\u2066"',
    "a megabyte": '"' + "m" * (1 << 20) + '"',
    "emoji": '"\U0001f98a"',
    "nothing": '""',
    "null": "null",
    "a number": "17",
    "a list": '["m"]',
    "an object": '{"m": {"m": null}}',
    "true": "true",
    "a number of 5,000 digits": "9" * 5000,
}
NUMBERS = {
    "4,000 digits": "9" * 4000,
    "5,000 digits": "1" * 5000,
    "negative": "-5",
    "negative, 4,400 digits": "-" + "7" * 4400,
    "NaN": "NaN",
    "infinite": "Infinity",
    "minus infinite": "-Infinity",
    "1e999": "1e999",
    "a half": "1.5",
    "a float": "100.0",
    "a text": '"100"',
    "words": '"many"',
    "a surrogate": r'"\ud800"',
    "true": "true",
    "null": "null",
    "a list": "[]",
    "an object": "{}",
    "a trillion": "1000000000000",
}
REASONS = {
    "half a pair": "a\ud800b",
    "NUL": "a\x00b",
    "an escape": "\x1b]0;owned\x07",
    "another direction": "\u202egnorw",
    "100,000 characters": "long " * 20000,
    "a noncharacter": "\uffff\ufffe",
    "C1": "\x85\x9b31m",
    "emoji": "\U0001f98a" * 50,
}
RETRY_AFTER = (
    *("1e308", "1e309", "-1", "-1e308", "nan", "NaN", "inf", "-inf", "99999999999999999999", "604801", "0x10", "1_0", "soon"),
    *("9" * 4000, "", " ", "0", "0.01", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "1, 2", "Wed", " , "),
    *("Thu, 01 Jan 1969 00:00:00 GMT", "Wed, 21 Oct 99999 07:28:30 GMT", "Wed, 99 Oct 2026 99:99:99 GMT", "\xb2", "\xff\xfe"),
    *("Wed, 21 Oct 2026 07:28:30 +999999999999", "1;2"),
)


def names() -> list[Odd]:
    return [
        Odd(f"{member}: {name}", whole(lambda talk, m=member, t=text: envelope(talk, {m: t})))
        for member in ("model", "system_fingerprint", "id", "object", "created")
        for name, text in NAMES.items()
    ]


def numbers() -> list[Odd]:
    found = []
    for name, text in NUMBERS.items():
        for field in ("prompt_tokens", "completion_tokens", "total_tokens"):
            usage = f'{{"prompt_tokens": 10, "completion_tokens": 5, "{field}": {text}}}'
            found.append(Odd(f"{field}: {name}", whole(lambda talk, u=usage: envelope(talk, {"usage": u}))))
        for member in ("prompt_tokens_details", "cached"):
            inner = text if member != "cached" else f'{{"cached_tokens": {text}}}'
            usage = f'{{"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {inner}}}'
            found.append(Odd(f"{member}: {name}", whole(lambda talk, u=usage: envelope(talk, {"usage": u}))))
        found.append(Odd(f"usage: {name}", whole(lambda talk, t=text: envelope(talk, {"usage": t}))))
    return found


def words() -> list[Odd]:
    found = [Odd(f"reason: {name}", whole(lambda talk, t=text: envelope(talk, reason=t))) for name, text in REASONS.items()]
    for name, value in {"tool calls": None, "refusal": None, "annotations": [], "audio": {"a": 1}, "role": "\ud800"}.items():
        member = name.replace(" ", "_")
        found.append(Odd(f"message.{member}", whole(lambda talk, m=member, v=value: envelope(talk, message={m: v}))))
    for member, value in {"logprobs": {"content": [{"token": "a"}] * 5000}, "index": "zero", "extra": ["\ud800"]}.items():
        found.append(Odd(f"choice.{member}", whole(lambda talk, m=member, v=value: envelope(talk, choice={m: v}))))
    return found


HEADERS: dict[str, tuple[str, ...]] = {
    "bytes beyond ASCII": ("X-Odd: \xff\xfe\x80",),
    "five hundred of them": tuple(f"X-{number}: {number}" for number in range(500)),
    "60 KB of one": ("X-Long: " + "x" * 60000,),
    "empty": ("X-Empty:", "Server:   "),
    "cookies": tuple(f"Set-Cookie: c{number}=v; Max-Age=99999999999999999999" for number in range(100)),
    "a length twice": (),
    "wrongly gzip": ("Content-Encoding: gzip",),
    "wrongly br": ("Content-Encoding: br",),
    "wrongly zstd": ("Content-Encoding: zstd",),
    "wrongly deflate": ("Content-Encoding: deflate",),
    "an encoding nobody knows": ("Content-Encoding: utf-8, none",),
    "no encoding's name": ("Content-Encoding:",),
    "closing": ("Connection: close",),
    "keep-alive, oddly": ("Connection: Keep-Alive, \xff", "Keep-Alive: timeout=-1, max=nan"),
    "a date nobody has": ("Date: yesterday", "Age: -1", "Expires: 0"),
    "a wait beside a good reply": ("Retry-After: 1e308",),
    "another charset": ("X-Charset: 1",),
}


def headers() -> list[Odd]:
    found = [Odd(f"header: {name}", whole(envelope, *lines)) for name, lines in HEADERS.items()]
    statuses = ("200", "200 ", "200 \xff\xfe", "201 Created", "203 Non-Authoritative Information", "200 " + "x" * 5000)
    found += [Odd(f"status {status[:20]!r}", whole(envelope, status=status)) for status in statuses]
    for code in (100, 102, 103, 199):
        interim = f"HTTP/1.1 {code} Wait\r\nLink: <x>\r\n\r\n".encode()
        found += [
            Odd(f"{many} times {code}", lambda talk, i=interim * many: talk.write(i + framed(envelope(talk)))) for many in (1, 50)
        ]
    for text in RETRY_AFTER:
        for status in ("429 Too Many Requests", "503 Service Unavailable"):

            def play(talk: Talk, text: str = text, status: str = status) -> None:
                if talk.attempt == 1:
                    talk.write(framed(b"{}", f"Retry-After: {text}", status=status))
                else:
                    talk.write(framed(envelope(talk)))

            found.append(Odd(f"{status[:3]}, Retry-After {text[:30]!r}", play, LATER))
    return found


def bodies() -> list[Odd]:
    def body(change: Callable[[bytes], bytes], *lines: str) -> Play:
        return whole(lambda talk: change(envelope(talk)), *lines)

    def members(data: bytes) -> bytes:
        return gzip.compress(data[:50]) + gzip.compress(b"") + gzip.compress(data[50:])

    def raw_deflate(data: bytes) -> bytes:
        machine = zlib.compressobj(wbits=-15)
        return machine.compress(data) + machine.flush()

    changes: dict[str, Play] = {
        "a byte order mark": body(lambda data: b"\xef\xbb\xbf" + data),
        "UTF-16": body(lambda data: data.decode().encode("utf-16")),
        "UTF-32": body(lambda data: data.decode().encode("utf-32")),
        "a byte of Latin-1": body(lambda data: data.replace(b"served-1", b"serv\xe9-1")),
        "half a pair in UTF-8": body(lambda data: data.replace(b"served-1", b"\xed\xa0\x80")),
        "space around": body(lambda data: b" \r\n\t" * 5000 + data + b"\n" * 5000),
        "gzip": body(gzip.compress, "Content-Encoding: gzip"),
        "x-gzip": body(gzip.compress, "Content-Encoding: x-gzip"),
        "gzip unsaid": body(gzip.compress),
        "gzip said to be deflate": body(gzip.compress, "Content-Encoding: deflate"),
        "gzip in parts": body(members, "Content-Encoding: gzip"),
        "gzip with zeros behind": body(lambda data: gzip.compress(data) + b"\0" * 512, "Content-Encoding: gzip"),
        "gzip without its end": body(lambda data: gzip.compress(data)[:-8], "Content-Encoding: gzip"),
        "deflate": body(zlib.compress, "Content-Encoding: deflate"),
        "deflate without its head": body(raw_deflate, "Content-Encoding: deflate"),
        "a member of 4 MB": body(lambda data: data[:-1] + b', "x": "' + b"x" * (4 << 20) + b'"}'),
        "100,000 members": body(lambda data: data[:-1] + b', "x": 1' * 100_000 + b"}"),
    }
    return [Odd(f"body: {name}", play) for name, play in changes.items()]


def framing() -> list[Odd]:
    def dripping(size: int, extension: bytes = b"", last: bytes = b"0\r\n\r\n") -> Play:
        def play(talk: Talk) -> None:
            data = envelope(talk)
            chunked(talk)
            parts = [data[at : at + size] for at in range(0, len(data), size)]
            talk.write(b"".join(b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in parts) + last)

        return play

    def old(talk: Talk) -> None:
        talk.write(b"HTTP/1.0 200 OK\r\n\r\n" + envelope(talk))

    def short(talk: Talk) -> None:
        talk.write(framed(envelope(talk)).replace(b"Content-Length: ", b"Content-Length: 1"))

    def short_and_hanging(talk: Talk) -> None:
        short(talk)
        talk.hang()

    def chunk_and_hanging(talk: Talk) -> None:
        dripping(1000, last=b"")(talk)
        talk.hang()

    def length_twice(talk: Talk) -> None:
        data = envelope(talk)
        talk.write(framed(data, f"Content-Length: {len(data)}"))

    return [
        Odd("chunks of a byte", dripping(1)),
        Odd("chunks with extensions", dripping(50, b";name=" + b"v" * 200)),
        Odd("a chunk with trailers", dripping(1000, last=b"0\r\nX-Late: \xff\r\nRetry-After: 1e308\r\n\r\n")),
        Odd("chunks without an end", dripping(1000, last=b"")),
        Odd("chunks without an end, and silence", chunk_and_hanging, timeout=1.5),
        Odd("HTTP/1.0 until it closes", old),
        Odd("a length beyond the reply", short),
        Odd("a length beyond the reply, and silence", short_and_hanging, timeout=1.5),
        Odd("a length twice", length_twice),
    ]


def endless() -> list[Odd]:
    def bomb(machine: Any, size: int) -> bytes:
        zeros = b" " * (1 << 20)
        return b"".join(machine.compress(zeros) for _ in range(size)) + machine.flush()

    def sending(head: bytes, piece: bytes, pause: float = 0.0) -> Play:
        def play(talk: Talk) -> None:
            talk.write(head)
            talk.forever(piece, pause)

        return play

    ok, packed = b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    head = ok + b"Transfer-Encoding: chunked\r\n\r\n"
    empty = gzip.compress(b"")
    nothing = zlib.compressobj(wbits=31)
    start = nothing.compress(b"") + nothing.flush(zlib.Z_SYNC_FLUSH)
    block = b"\x00\x00\x00\xff\xff"
    plays: dict[str, Play] = {
        "silence": lambda talk: talk.hang(),
        "a status line, byte by byte": sending(b"", b"H", 0.05),
        "headers, byte by byte": sending(ok + b"X: ", b"x", 0.05),
        "headers without end": sending(ok, b"X-More: x\r\n"),
        "headers without end, slowly": sending(ok, b"X-More: x\r\n", 0.05),
        "one header without end": sending(ok + b"X: ", b"x" * 1000),
        "interim replies": sending(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 20),
        "interim replies, slowly": sending(b"", b"HTTP/1.1 102 Processing\r\n\r\n", 0.05),
        "a body, byte by byte": sending(ok + b"Content-Length: 100000\r\n\r\n", b" ", 0.05),
        "a chunk, byte by byte": sending(head + b"ffff\r\n", b" ", 0.05),
        "chunks, slowly": sending(head, b"1\r\n \r\n", 0.05),
        "chunks, quickly": sending(head, b"400\r\n" + b" " * 1024 + b"\r\n"),
        "the size of a chunk": sending(head, b"0" * 100),
        "an extension of a chunk": sending(head + b"1;", b"x" * 1000),
        "trailers": sending(head + b"0\r\n", b"X: y\r\n"),
        "a body without length": sending(ok + b"\r\n", b" " * 65536),
        "gzip that yields nothing": sending(packed + b"%x\r\n%b\r\n" % (len(start), start), b"5\r\n" + block + b"\r\n"),
        "gzip that yields nothing, slowly": sending(
            packed + b"%x\r\n%b\r\n" % (len(start), start), b"5\r\n" + block + b"\r\n", 0.05
        ),
        "empty gzips": sending(packed, b"%x\r\n%b\r\n" % (len(empty), empty)),
        "blank lines first": sending(b"", b"\r\n" * 50),
    }
    found = [Odd(f"endless: {name}", play, FAILED, timeout=0.6) for name, play in plays.items()]
    exploding = {
        "gzip": (bomb(zlib.compressobj(9, wbits=31), 200), "gzip"),
        "deflate": (bomb(zlib.compressobj(9), 200), "deflate"),
        "raw deflate": (bomb(zlib.compressobj(9, wbits=-15), 200), "deflate"),
    }
    for name, (data, encoding) in exploding.items():
        found.append(Odd(f"200 MB in {name}", whole(lambda _, d=data: d, f"Content-Encoding: {encoding}"), FAILED))
    big = b'{"choices": [' + b"[]," * (7 << 18) + b"[]]}"
    found.append(Odd("a large reply", whole(lambda _: b" " * (9 << 20)), FAILED))
    found.append(Odd("millions of lists", whole(lambda _: big), FAILED))
    found.append(Odd("a deep nest", whole(lambda _: b'{"usage": ' + b"[" * 500_000), FAILED))
    return found


def broken() -> list[Odd]:
    texts: dict[str, bytes] = {
        "nothing at all": b"",
        "no HTTP": b"hello\r\n\r\n",
        "HTTP/0.9": b'{"choices": []}',
        "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
        "a length below nothing": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
        "a length in words": b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n{}",
        "a length of 5,000 digits": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n{}",
        "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "an upgrade": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        "a header without a name": b"HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 2\r\n\r\n{}",
        "NUL in a header": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\n{}",
        "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
        "a status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\n{}",
        "half a gzip": framed(gzip.compress(b'{"choices": [' * 50)[:40], "Content-Encoding: gzip"),
        "gzip whose sum does not fit": framed(gzip.compress(b'{"choices": []}')[:-8] + b"\1" * 8, "Content-Encoding: gzip"),
        "damaged gzip": framed(b"\x1f\x8b\x08\x00" + b"\xff" * 50, "Content-Encoding: gzip"),
        "null": framed(b"null"),
        "choices that are an object": framed(b'{"choices": {"0": {}}}'),
        "a choice that is a text": framed(b'{"choices": ["yes"]}'),
        "a message that is a text": framed(b'{"choices": [{"message": "yes"}]}'),
    }
    found = [Odd(f"broken: {name}", lambda talk, t=text: talk.write(t), FAILED, timeout=2.0) for name, text in texts.items()]
    errors: dict[str, bytes] = {
        "a list": b'[{"error": {"code": 400}}]',
        "a text": b'"\\ud800"',
        "NaN": b'{"error": {"code": NaN, "message": "\\u0000"}}',
        "a number of 5,000 digits": b'{"error": {"code": ' + b"9" * 5000 + b"}}",
        "a deep nest": b'{"error":' * 3000,
        "a message of 9 MB": b'{"error": {"message": "' + b"m" * (9 << 20) + b'"}}',
        "a page": b"<html>" + b"<p>" * 10000,
        "bytes": bytes(range(256)),
        "packed": gzip.compress(b'{"error": {"message": "no"}}'),
    }
    for name, text in errors.items():
        found += [
            Odd(f"error {status}: {name}", whole(lambda _, t=text: t, status=f"{status} No"), FAILED, timeout=2.0)
            for status in (400, 422, 500)
        ]
    return found


def all_of_them() -> list[Odd]:
    return [*names(), *numbers(), *words(), *headers(), *bodies(), *framing(), *endless(), *broken()]
