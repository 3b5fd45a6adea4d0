"""What curl prints, written down by hand: as on a terminal, as in a file, by old and new versions."""

ANSWERED = """\
$ curl -v https://shop.example/checkout
* Host shop.example:443 was resolved.
* IPv6: (none)
* IPv4: 192.0.2.10
*   Trying 192.0.2.10:443...
* Connected to shop.example (192.0.2.10) port 443
* ALPN: curl offers h2,http/1.1
* TLSv1.3 (OUT), TLS handshake, Client hello (1):
} [512 bytes data]
* TLSv1.3 (IN), TLS handshake, Server hello (2):
{ [122 bytes data]
* SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384 / x25519 / RSASSA-PSS
* ALPN: server accepted h2
* Server certificate:
*  subject: CN=shop.example
*  start date: Feb  1 00:00:00 2026 GMT
*  expire date: May  2 23:59:59 2026 GMT
*  subjectAltName: host "shop.example" matched cert's "shop.example"
*  issuer: C=US; O=Example CA; CN=R1
*  SSL certificate verify ok.
* using HTTP/2
* [HTTP/2] [1] OPENED stream for https://shop.example/checkout
* [HTTP/2] [1] [:method: GET]
> GET /checkout HTTP/2
> Host: shop.example
> User-Agent: curl/8.9.1
> Accept: */*
> Cookie: sid=8f14e45fceea167a5a36dedd4bea2543
>
* Request completely sent off
< HTTP/2 502
< server: nginx
< date: Wed, 04 Mar 2026 05:06:07 GMT
< content-type: text/html
<
<html>
<title>502 Bad Gateway</title>
* a line of the page
> quoted
</html>* Connection #0 to host shop.example left intact
"""

REDIRECTED = """\
  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current
                                 Dload  Upload   Total   Spent    Left  Speed
  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0*   Trying 192.0.2.10:80...
* Connected to shop.example (192.0.2.10) port 80 (#0)
> GET / HTTP/1.1
> Host: shop.example
> User-Agent: curl/7.88.1
>
< HTTP/1.1 301 Moved Permanently
< Location: https://shop.example/
< Content-Length: 5
<
* Ignoring the response-body
{ [5 bytes data]
100     5  100     5    0     0   2678      0 --:--:-- --:--:-- --:--:--  5000
* Connection #0 to host shop.example left intact
* Issue another request to this URL: 'https://shop.example/'
*   Trying 192.0.2.11:443...
* Connected to shop.example (192.0.2.11) port 443 (#1)
* TLSv1.3 (OUT), TLS handshake, Client hello (1):
> GET / HTTP/1.1
> Host: shop.example
>
< HTTP/1.1 103 Early Hints
< Link: </x.css>; rel=preload
<
< HTTP/1.1 503 Service Unavailable
< Content-Type: text/plain
< Retry-After: 5
<
{ [11 bytes data]
100    11  100    11    0     0   1088      0 --:--:-- --:--:-- --:--:--  1088
* Connection #1 to host shop.example left intact
try later

again
"""

BOTH = """\
*   Trying 192.0.2.10:80...
* Connected to shop.example (192.0.2.10) port 80 (#0)
> GET /x HTTP/1.1
> Host: shop.example
>
< HTTP/1.1 502 Bad Gateway
< Server: nginx
<
{ [16 bytes data]
* Connection #0 to host shop.example left intact
HTTP/1.1 502 Bad Gateway
Server: nginx

<h1>502</h1>
"""

PROXIED = """\
* Uses proxy env variable https_proxy == 'http://proxy.example:3128'
*   Trying 192.0.2.99:3128...
* Connected to proxy.example (192.0.2.99) port 3128 (#0)
> CONNECT shop.example:443 HTTP/1.1
> Host: shop.example:443
> Proxy-Authorization: Basic dXNlcjpUcjB1YjRkb3I=
>
< HTTP/1.1 200 Connection established
<
* CONNECT tunnel established, response 200
* TLSv1.3 (OUT), TLS handshake, Client hello (1):
> GET / HTTP/1.1
> Host: shop.example
>
< HTTP/1.1 500 Internal Server Error
< Content-Length: 0
<
* Connection #0 to host proxy.example left intact
"""

INSECURE = """\
*   Trying 192.0.2.10:443...
* Connected to shop.example (192.0.2.10) port 443 (#0)
* TLSv1.3 (OUT), TLS handshake, Client hello (1):
* SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384
* Server certificate:
*  subject: CN=shop.example
*  start date: Nov 21 15:02:22 2025 GMT
*  expire date: Nov 22 15:02:22 2025 GMT
*  issuer: CN=Example CA
*  SSL certificate verify result: certificate has expired (10), continuing anyway.
> GET / HTTP/1.1
> Host: shop.example
>
< HTTP/1.1 200 OK
< Content-Type: text/html
<
<p>shop</p>
* Closing connection 0
"""

INTERACTIVE = """\
HTTP/1.1 301 Moved Permanently
Location: /login

HTTP/1.1 502 Bad Gateway
Server: nginx
Content-Type: text/html

<h1>502</h1>

HTTP/1.1 200 is quoted here
"""

UNRESOLVED = """\
* Could not resolve host: shop.example
* Closing connection
curl: (6) Could not resolve host: shop.example
"""
REFUSED = """\
*   Trying [2001:db8::1]:443...
* Immediate connect fail for 2001:db8::1: Network is unreachable
*   Trying 192.0.2.10:443...
* connect to 192.0.2.10 port 443 from 10.0.0.5 port 51234 failed: Connection refused
* Failed to connect to shop.example port 443 after 12 ms: Could not connect to server
* closing connection #0
curl: (7) Failed to connect to shop.example port 443 after 12 ms: Could not connect to server
"""
TIMED_OUT = """\
*   Trying 192.0.2.10:443...
* Connection timed out after 10001 milliseconds
* Closing connection 0
curl: (28) Connection timed out after 10001 milliseconds
"""
SILENT = """\
*   Trying 192.0.2.10:80...
* Connected to shop.example (192.0.2.10) port 80 (#0)
> GET /slow HTTP/1.1
> Host: shop.example
>
* Operation timed out after 30001 milliseconds with 0 bytes received
* Closing connection 0
curl: (28) Operation timed out after 30001 milliseconds with 0 bytes received
"""
EMPTY = """\
*   Trying 192.0.2.10:80...
* Connected to shop.example (192.0.2.10) port 80 (#0)
> GET / HTTP/1.1
> Host: shop.example
>
* Empty reply from server
* Closing connection 0
curl: (52) Empty reply from server
"""
RESET = EMPTY.replace("Empty reply from server", "Recv failure: Connection reset by peer").replace("(52)", "(56)")
EXPIRED = """\
*   Trying 192.0.2.10:443...
* Connected to shop.example (192.0.2.10) port 443 (#0)
* ALPN: offers h2,http/1.1
* TLSv1.3 (OUT), TLS handshake, Client hello (1):
* TLSv1.3 (OUT), TLS alert, certificate expired (557):
* SSL certificate problem: certificate has expired
* Closing connection 0
curl: (60) SSL certificate problem: certificate has expired
More details here: https://curl.se/docs/sslcerts.html

curl failed to verify the legitimacy of the server and therefore could not
establish a secure connection to it.
"""
WRONG_NAME = EXPIRED.replace("SSL certificate problem: certificate has expired",
                             "SSL: no alternative certificate subject name matches target host name 'shop.example'")
NOT_TLS = """\
*   Trying 192.0.2.10:443...
* Connected to shop.example (192.0.2.10) port 443 (#0)
* ALPN: offers h2,http/1.1
* TLSv1.3 (OUT), TLS handshake, Client hello (1):
* OpenSSL/3.0.19: error:0A00010B:SSL routines::wrong version number
* Closing connection 0
curl: (35) OpenSSL/3.0.19: error:0A00010B:SSL routines::wrong version number
"""
SCHANNEL = NOT_TLS.replace("OpenSSL/3.0.19: error:0A00010B:SSL routines::wrong version number",
                           "schannel: next InitializeSecurityContext failed: SEC_E_UNKNOWN (0x80090000)")
CUT = """\
*   Trying 192.0.2.10:80...
* Connected to shop.example (192.0.2.10) port 80 (#0)
> GET /cut HTTP/1.1
> Host: shop.example
>
< HTTP/1.1 200 OK
< Content-Length: 100
<
{ [4 bytes data]
* transfer closed with 96 bytes remaining to read
* Closing connection 0
half
"""

FAILURES = {
    "unresolved": (UNRESOLVED, "net::ERR_NAME_NOT_RESOLVED", "http://shop.example/"),
    "refused": (REFUSED, "net::ERR_CONNECTION_REFUSED", "https://shop.example/"),
    "silent": (SILENT, "net::ERR_TIMED_OUT", "http://shop.example/slow"),
    "empty": (EMPTY, "net::ERR_EMPTY_RESPONSE", "http://shop.example/"),
    "reset": (RESET, "net::ERR_CONNECTION_RESET", "http://shop.example/"),
    "expired": (EXPIRED, "net::ERR_CERT_DATE_INVALID", "https://shop.example/"),
    "wrong-name": (WRONG_NAME, "net::ERR_CERT_COMMON_NAME_INVALID", "https://shop.example/"),
    "not-tls": (NOT_TLS, "net::ERR_SSL_PROTOCOL_ERROR", "https://shop.example/"),
    "schannel": (SCHANNEL, "net::ERR_SSL_PROTOCOL_ERROR", "https://shop.example/")}
"""What was printed, the failure by its name, the address that can be told from it."""
