"""Deliveries, one at a time. In: rows that are due. Out: messages at trackers; rows that say what came of them.

One attempt waits little, so that others have their turn; the next one comes later. What a service held when it was
killed is begun anew after the next start: trackers are searched first, so that nothing is written twice there.
"""

import logging
import threading
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from sqlalchemy.orm import Session

from capture.errors import Refused
from capture.record.bundle import BundleError
from capture.record.codec import UnreadableRecord
from report.deliver.base import BadTarget, DeliveryFailed, Found, Tracker
from report.deliver.delivery import Delivered, deliver
from report.deliver.parcel import parcel
from report.deliver.targets import Named
from web import targets
from web.config import Config
from web.delivering import opened
from web.store import deliveries
from web.store.masking import masked
from web.store.secrets import BadKey
from web.store.tables import Delivery
from web.workers.slot import Store

POLL_S: Final = 0.5
"""Between two looks for what is due, seconds."""
PAUSE_S: Final = 15.0
"""After a failure of our own outside of any delivery, seconds."""
PATIENCE_S: Final = 20.0
"""Longest time for waiting and asking again within one attempt, seconds."""
END_S: Final = 5.0
"""Longest wait for the end of what is being sent, seconds."""
Settle = Callable[[Session, str, int], bool]
"""Writes what came of an attempt, by id and fence."""
log = logging.getLogger(__name__)


class _Stopped(Exception):
    """The service stops; nobody waits any more."""


class Outbox(threading.Thread):
    """Works on the deliveries of one store; the only one that does, while it lives."""

    def __init__(self, store: Store, config: Config, known: Mapping[str, Named]) -> None:
        """`known`: the targets by name."""
        super().__init__(name="outbox", daemon=True)
        self._store = store
        self._config = config
        self._known = known
        self._stopping = threading.Event()

    def start(self) -> None:
        """Takes back what an earlier one left, then begins. Nobody else may work with this store."""
        with self._store.database.transaction() as db:
            deliveries.expire(db)
        super().start()

    def stop(self) -> None:
        """Begins nothing new and waits a little for what is being sent; after that it is left as if killed."""
        self._stopping.set()
        if self.is_alive():
            self.join(END_S)

    def run(self) -> None:
        """Until it is told to stop; what goes wrong with one delivery never ends it."""
        work = self._warn
        while not self._stopping.is_set():
            try:
                pause_s = 0.0 if work() else POLL_S
            except Exception:  # the outbox: the lease runs out, or the next start takes it back
                log.exception("a failure of our own")
                pause_s = PAUSE_S
            work = self.turn
            self._stopping.wait(pause_s)

    def _warn(self) -> bool:
        """Tells of every credential that is missing. Here and not at the start: a keyring may wait for its owner."""
        for sentence in targets.lacking(self._config, self._known):
            log.warning("deliveries will fail: %s", sentence)
        return True

    def turn(self) -> bool:
        """One attempt at one delivery; whether any was due."""
        row = self._claim()
        if row is None:
            return False
        settle = self._attempt(row)
        self._store.files.discard(row.id, row.fence)
        with self._store.database.transaction() as db:
            settle(db, row.id, row.fence)
        return True

    def _claim(self) -> Delivery | None:
        with self._store.database.reading() as db:
            if not deliveries.is_any_due(db):
                return None
        with self._store.database.transaction() as db:
            return deliveries.claim(db)

    def _attempt(self, row: Delivery) -> Settle:
        log.info("delivery %s to %s: attempt %d begins", row.id, row.target, row.attempts)
        try:
            came = self._deliver(row)
        except _Stopped:
            return deliveries.release
        except DeliveryFailed as error:
            return self._failed(row, str(error), again=error.again, after_s=error.after_s)
        except (BadTarget, BadKey, Refused) as error:
            return self._failed(row, str(error))
        except (BundleError, UnreadableRecord):
            return self._failed(row, "the files of this case cannot be read")
        except OSError as error:
            return self._failed(row, f"a file could not be read or written ({error.strerror})", again=True)
        except Exception as error:  # noqa: BLE001 - what is wrong with one tracker must not end the others' deliveries
            # Told without its message, which may quote secrets.
            where = "; ".join(f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__))
            log.error("delivery %s: a failure of our own: %s at %s", row.id, type(error).__name__, where)
            return self._failed(row, f"this is our failure ({type(error).__name__}); the log tells more", again=True)
        log.info("delivery %s to %s: %s", row.id, row.target, came.what)
        return partial(deliveries.done, link=came.link, what=came.what, left_out=came.left_out)

    def _failed(self, row: Delivery, sentence: str, *, again: bool = False, after_s: float | None = None) -> Settle:
        for path, named in ((self._store.files.directory(row.case_id), "this case"),
                            (targets.kept(self._config), "the service's file of credentials")):
            sentence = sentence.replace(str(path), named)  # those who ask need not know where it is
        said = masked(sentence)
        log.warning("delivery %s to %s: %s", row.id, row.target, said)
        return (partial(deliveries.later, sentence=said, after_s=after_s) if again
                else partial(deliveries.fail, sentence=said))

    def _deliver(self, row: Delivery) -> Delivered:
        named = self._named(row)
        share = self._store.key.open(row.share_url).decode() if row.share_url else None
        with self._store.database.reading() as db:
            before = deliveries.earlier(db, row)
        earlier = Found(before.link, row.ticket or "", "", before.cases) if before else None
        with opened(named, targets.kept(self._config), patience_s=PATIENCE_S, sleep=self._sleep) as tracker:
            sent = parcel(self._store.files.directory(row.case_id), self._store.files.staging(row.id, row.fence))
            try:
                return deliver(tracker, sent, share, earlier)
            except DeliveryFailed as error:
                raise DeliveryFailed(_without_secrets(str(error), tracker, share), again=error.again,
                                     after_s=error.after_s) from None

    def _named(self, row: Delivery) -> Named:
        """The target as it is now; raises BadTarget when its name stands for another place than when it was asked."""
        named = self._known.get(row.target)
        if named is None:
            raise BadTarget(f"this service has no target named {row.target} any more")
        if targets.place(self._store.key, named.target) != row.place:
            raise BadTarget(f"{row.target} stands for another place now; look at it, and ask again")
        return targets.at(named, row.ticket)

    def _sleep(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise _Stopped


def _without_secrets(sentence: str, tracker: Tracker, share: str | None) -> str:
    """The sentence, whatever a tracker repeats in it of what it was sent."""
    token = share.rpartition("/")[2] if share else ""
    for secret in (tracker.secret.secret if tracker.secret else "", token):
        sentence = sentence.replace(secret, "***") if secret else sentence
    return sentence
