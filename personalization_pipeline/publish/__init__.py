"""Phase publish: the night adds up and passes its checks, is committed whole, then delivered.

In       every table of the night with the verdicts on its checks
Out      `ledger`, `ledger_rests`; report.html, night.json; the pointer `current`; delivered files and their receipts
Promise  a night that does not add up, fails a check or holds a stale table is not committed: the last one stays;
         a file that has a receipt is not delivered again
"""
