"""An outbox in a process of its own. In: data directory, targets file. Out: deliveries, until it is killed."""

import sys
from pathlib import Path

import pytest

from tests.web import desk
from web import targets
from web.config import Config
from web.store import secrets
from web.store.database import Database
from web.store.files import Folder
from web.workers.outbox import Outbox
from web.workers.slot import Store

if __name__ == "__main__":
    data, file = map(Path, sys.argv[1:])
    with pytest.MonkeyPatch.context() as patch:
        desk.register(patch)
        config = Config(data=data, targets=file)
        outbox = Outbox(Store(Database(data), Folder(data), secrets.load(data)), config, targets.load(config))
        outbox.start()
        outbox.join()
