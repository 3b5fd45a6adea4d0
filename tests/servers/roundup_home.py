"""Run as a process: makes a Roundup tracker, then serves it below /bugs/ at a free port of 127.0.0.1 until its standard
input ends. In: an empty directory. Out: one line of JSON."""

import json
import os
import socket
import sys
import threading
from pathlib import Path

import roundup.init
import roundup.instance
from roundup.admin import AdminTool
from roundup.cgi.wsgi_handler import RequestDispatcher
from roundup.password import Password
from waitress.server import create_server

UNDER = "/bugs"


def make(home: Path, web: str) -> str:
    """Makes the tables and a little content; the id of an issue. Mails of the tracker go to a file."""
    settings = {"rdbms_backend": "sqlite", "tracker_web": web, "mail_domain": "mail.test", "mail_host": "localhost",
                "mail_debug": str(home / "mails"),
                # Every request logs in: a tenth of a second for each, as the default has it, is only for guessers.
                "password_pbkdf2_default_rounds": "1000"}
    roundup.init.install(str(home), AdminTool().listTemplates()["classic"]["path"], settings=settings)
    tracker = roundup.instance.open(str(home))
    tracker.init(Password("password of admin", config=tracker.config))
    database = tracker.open("admin")
    for name, roles in (("reporter", "User"), ("stranger", "Anonymous")):
        database.user.create(username=name, address=f"{name}@mail.test", roles=roles,
                             password=Password(f"password of {name}", config=tracker.config))
    issue = database.issue.create(title="Checkout is down")
    database.commit()
    database.close()
    return str(issue)


def main(directory: Path) -> None:
    """Serves until the parent is gone."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    issue = make(directory / "home", f"http://127.0.0.1:{port}{UNDER}/")
    application = RequestDispatcher(str(directory / "home"))
    server = create_server(application, sockets=[listening], url_prefix=UNDER)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    print(json.dumps({"port": port, "issue": issue, "version": roundup.__version__}), flush=True)  # noqa: T201
    server.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
