"""Where a server is: which addresses are refused before the first video, what is kept under which, and who needs no proxy."""

from __future__ import annotations

import re
import socket
import threading

import pytest

from intergeneval.errors import ConfigError
from intergeneval.judges.openai import create
from intergeneval.judges.openai.address import find_proxy, read_address
from intergeneval.judges.openai.settings import OpenAISettings
from tests import judged_world, tiny_world
from tests.fakes.chat_server import ChatServer

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


ODD = {
    "host:8000/v1": "is no http or https address",
    "localhost/v1": "is no http or https address",
    "//host/v1": "is no http or https address",
    "ftp://host/v1": "is no http or https address",
    "file:///etc/passwd": "is no http or https address",
    "http:/host/v1": "names no host",
    "http://": "names no host",
    "http:///v1": "names no host",
    "http://:8000/v1": "names no host",
    "http://./v1": "names no host",
    "http://a..b/v1": "names no host",
    "http://-a/v1": "names no host",
    f"http://{'a' * 64}/v1": "names no host",
    f"http://{'a.' * 127}ab/v1": "names no host",
    "http://xn--\u00e9/v1": "names no host",
    "http://\u0301/v1": "names no host",
    "http://ho%41st/v1": "names no host",
    "http://ho,st/v1": "names no host",
    "http://host\\v1": "names no host",
    "http://[::1/v1": "cannot be read",
    "http://[nonsense]/v1": "base_url",
    "http://::1:8000/v1": "base_url",
    "http://host:/v1": "has no port behind the colon",
    "http://host:0/v1": "has no port behind the colon",
    "http://host:65536/v1": "cannot be read",
    "http://host:-1/v1": "cannot be read",
    "http://host:eighty/v1": "cannot be read",
    "http://ho st/v1": "holds a space",
    "http://host/v 1": "holds a space",
    "http://host/v1\nX: y": "holds a space",
    "http://host/\x00v1": "holds a space",
    "http://host/\u202ev1": "holds a space",
    "http://host/v1?": "query",
    "http://host/v1?key=SECRET": "holds a user, password or query",
    "http://host/v1#SECRET": "holds a user, password or query",
    "http://user:SECRET@host/v1": "holds a user, password or query",
    "http://SECRET@host/v1": "holds a user, password or query",
    "http://@host/v1": "holds a user, password or query",
    "http://user:SEC@RET@host/v1": "base_url",
    "http://user:SECRET/x@host/v1": "base_url",
    "http://user:SECRET?x@host/v1": "base_url",
    "http://user:SECRET#x@host/v1": "base_url",
    "user:SECRET@host/v1": "is no http or https address",
    "SECRET:@host": "is no http or https address",
    "http:/user:SECRET@host": "base_url",
    "HTTP://user:SECRET@host": "base_url",
}


@pytest.mark.parametrize("place", ["setting", "variable"])
@pytest.mark.parametrize("url", ODD)
def test_an_odd_address_is_refused_with_its_place_and_a_way_out_and_without_its_secret(url, place, monkeypatch):
    if place == "variable":
        if "\x00" in url:
            pytest.skip("no variable can hold it")
        monkeypatch.setenv("OPENAI_BASE_URL", url)
    with pytest.raises(ConfigError, match=re.escape(ODD[url])) as caught:
        create("m", {"base_url": url} if place == "setting" else {})
    text = str(caught.value)
    assert ("[settings.openai]: base_url" if place == "setting" else "$OPENAI_BASE_URL: base_url") in text
    assert ("; write it like http" in text) or ("; a port is" in text) or ("; take it out" in text) or ("; give the bare" in text)
    assert "SECRET" not in text
    assert "RET" not in text.replace("SECRET", "")
    assert text.isprintable()


GOOD = {
    "http://host:8000/v1": ("http://host:8000/v1", "host:8000"),
    "http://host/v1/": ("http://host/v1", "host"),
    "http://host:80/v1": ("http://host:80/v1", "host"),
    "https://host:443/v1": ("https://host:443/v1", "host"),
    "https://host:80/v1": ("https://host:80/v1", "host:80"),
    "HTTPS://Host/v1": ("HTTPS://Host/v1", "host"),
    " http://host:8000/v1\n": ("http://host:8000/v1", "host:8000"),
    "http://host:8000/v1/chat/completions": ("http://host:8000/v1", "host:8000"),
    "http://host:8000/v1/chat/completions/": ("http://host:8000/v1", "host:8000"),
    "http://my_server.local:1/x": ("http://my_server.local:1/x", "my_server.local:1"),
    "http://[::1]:8000/v1": ("http://[::1]:8000/v1", "[::1]:8000"),
    "http://[::1]/v1": ("http://[::1]/v1", "::1"),
    "http://b\u00fccher.example/v1": ("http://b\u00fccher.example/v1", "b\u00fccher.example"),
    "http://host.:8000": ("http://host.:8000", "host.:8000"),
}


@pytest.mark.parametrize("url", GOOD)
def test_a_good_address_is_read_and_its_own_port_is_not_part_of_its_place(url):
    found = read_address(url, "here", "KEY")
    assert (found.url, found.place) == GOOD[url]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST.", "a.localhost", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]", "127.1"],
)
def test_this_machine_is_never_reached_through_a_proxy(host, monkeypatch):
    for name in PROXIES[:3]:
        monkeypatch.setenv(name, "http://proxy.invalid:3128")
    assert find_proxy(read_address(f"http://{host}:8000/v1", "here", "KEY")) is None


def test_other_machines_are_reached_through_the_environments_proxy_unless_it_says_otherwise(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://user:SECRET@proxy.invalid:3128")
    monkeypatch.setenv("NO_PROXY", "near.example")
    far = find_proxy(read_address("https://far.example/v1", "here", "KEY"))
    assert far is not None
    assert far.url.host == "proxy.invalid"
    assert find_proxy(read_address("https://near.example/v1", "here", "KEY")) is None
    assert find_proxy(read_address("http://far.example/v1", "here", "KEY")) is None


@pytest.mark.parametrize(
    "proxy", ["http://user:SECRET@", "gopher://user:SECRET@proxy", "http://user:SECRET@proxy:99999", "socks5://p"]
)
def test_a_proxy_that_cannot_be_used_is_refused_before_the_first_video(proxy, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match="proxy") as caught:
        create("m", {"base_url": "http://far.example/v1"})
    assert "SECRET" not in str(caught.value)
    assert "NO_PROXY" in str(caught.value)


def test_a_run_here_sends_nothing_to_the_proxy(tmp_path, monkeypatch):
    tiny_world.write_benchmark(tmp_path / "bench")
    tiny_world.write_videos(tmp_path / "model")
    with socket.create_server(("127.0.0.1", 0)) as proxy, ChatServer() as server:
        proxy.settimeout(0.1)
        for name in PROXIES[:3]:
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        result = judged_world.run(tmp_path, server.url)
        with pytest.raises(TimeoutError):
            proxy.accept()
    assert all(score.if_ == 1.0 for score in result.scores)


def test_a_server_elsewhere_is_asked_through_the_proxy(tmp_path, monkeypatch):
    tiny_world.write_benchmark(tmp_path / "bench")
    tiny_world.write_videos(tmp_path / "model")
    seen = []

    def serve(listening, target):
        with listening.accept()[0] as client, socket.create_connection(target) as server:
            head = client.recv(65536)
            seen.append(head.split(b"\r\n")[0])
            server.sendall(head)
            threading.Thread(target=_pipe, args=(client, server), daemon=True).start()
            _pipe(server, client)

    with socket.create_server(("127.0.0.1", 0)) as proxy, ChatServer() as server:
        target = ("127.0.0.1", int(server.url.split(":")[2].split("/")[0]))
        threading.Thread(target=serve, args=(proxy, target), daemon=True).start()
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        result = judged_world.run(tmp_path, "http://far.example/v1", limit=1)
    assert seen == [b"POST http://far.example/v1/chat/completions HTTP/1.1"]
    assert result.scores[0].if_ == 1.0


def _pipe(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        return


def test_two_servers_on_one_host_share_no_answers_and_no_facts(tmp_path):
    tiny_world.write_benchmark(tmp_path / "bench")
    tiny_world.write_videos(tmp_path / "model")
    with ChatServer() as first, ChatServer() as second:
        judged_world.run(tmp_path, first.url, limit=1)
        judged_world.run(tmp_path, second.url, limit=1, out=str(tmp_path / "second"))
        assert (len(first.asked), len(second.asked)) == (1, 1)
        judged_world.run(tmp_path, first.url, limit=1, out=str(tmp_path / "third"))
        assert len(first.asked) == 1


@pytest.mark.parametrize("url", ["http://host/v1", "https://host/v1", "https://host:443/v1", "http://host:80/v1"])
def test_answers_of_a_server_at_its_schemes_own_port_stay_reachable_under_the_key_they_had(url):
    assert OpenAISettings(model="m", base_url=url).place == "host"
