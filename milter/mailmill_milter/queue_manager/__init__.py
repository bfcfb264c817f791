"""The queue manager of an edge: it is to the spool what qmgr is to Postfix's queue.

One process, one thread that decides (`manager`); two threads that only report: new files (`watch`) and
outcomes (`outcomes`).
"""
