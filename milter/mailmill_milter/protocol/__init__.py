"""The milter protocol, versions 2 to 6, as an MTA speaks it with a milter; nothing here opens a socket.

Source: Sendmail's `include/libmilter/mfdef.h` and `libmilter/engine.c`, Postfix's `src/milter/milter8.c`.
"""
