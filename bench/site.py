"""The page that is measured: a gateway's error page with a stylesheet and a picture, taller than the window."""

import http.server
import threading
import time

STYLE = b"body{font:16px/1.5 sans-serif;max-width:40em;margin:3em auto;color:#222}h1{font-size:3em}img{width:120px}"
PICTURE = (b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">'
           b'<circle cx="5" cy="5" r="4" fill="#b3142b"/></svg>')
PAGE = (b"<!doctype html><html lang=en><meta charset=utf-8><title>502 Bad Gateway</title>"
        b"<link rel=stylesheet href=/style.css><h1>502 Bad Gateway</h1><img src=/mark.svg alt=''>"
        + b"".join(b"<p>The gateway got no valid answer from the server behind it. %d</p>" % n for n in range(40)))
FILES = {"/": (502, "text/html", PAGE), "/style.css": (200, "text/css", STYLE),
         "/mark.svg": (200, "image/svg+xml", PICTURE)}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path, _, delay_ms = self.path.partition("?")
        time.sleep(int(delay_ms or 0) / 1000)
        status, mime, body = FILES.get(path, (404, "text/plain", b"not here"))
        self.send_response(status)
        self.send_header("Content-Type", mime)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that is killed hangs up: nothing to tell."""


def start() -> str:
    """Serves the page from a thread until the process ends; returns its address. With `?1000` it waits 1,000 ms."""
    server = _Server(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"
