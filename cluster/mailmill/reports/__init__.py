"""Report files: texts that Mailmill sends, as templates with MailScanner's variables.

A site has its own in `%report-dir%`, which is one directory per language; `en/` here holds Mailmill's own, in
English, for those that are not there.
"""
