"""Dossiers brought to where the work happens. In: a bundle with its report, a target. Out: a link to what was written.

    parcel.py       what is sent: title, text, files; refuses what is not sealed or not masked
    targets.py      whereto: a ticket's address, or a name of the targets file
    credentials.py  who we are there: environment, a file of mode 0600, the system's keyring
    ladder.py       which files fit
    delivery.py     the order of it all: look, upload, write; the same failure again is one line
    http.py         how trackers are asked: repetition, patience, one sentence for each failure
    trackers/       one tracker a file
"""
