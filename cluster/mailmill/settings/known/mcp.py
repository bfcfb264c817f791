"""Options of MailScanner's about message content protection."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import NOT_YET, Known
from mailmill.settings.option import Rules

_NO_MCP: Final = "There is no MCP check."

OPTIONS: Final = (
    Known(
        "MCP Checks",
        NOT_YET,
        "no",
        "Write rules about contents for the spam scanner.",
        does="no",
        rules=Rules.FIRST,
    ),
    Known(
        "MCP Use SpamAssassin",
        NOT_YET,
        "yes",
        "MCP is not there. Not documented by MailScanner.",
        rules=Rules.ALL,
    ),
    Known("First Check", NOT_YET, "spam", _NO_MCP, does="spam"),
    Known("MCP Required SpamAssassin Score", NOT_YET, "1", _NO_MCP, rules=Rules.FIRST),
    Known("MCP High SpamAssassin Score", NOT_YET, "10", _NO_MCP, rules=Rules.FIRST),
    Known("MCP Error Score", NOT_YET, "1", _NO_MCP, rules=Rules.FIRST),
    Known("MCP Header", NOT_YET, "X-%org-name%-MailScanner-MCPCheck:", _NO_MCP, rules=Rules.FIRST),
    Known("Non MCP Actions", NOT_YET, "deliver", _NO_MCP, does="deliver", rules=Rules.FIRST),
    Known("MCP Actions", NOT_YET, "deliver", _NO_MCP, rules=Rules.FIRST),
    Known("High Scoring MCP Actions", NOT_YET, "deliver", _NO_MCP, rules=Rules.FIRST),
    Known("Bounce MCP As Attachment", NOT_YET, "no", _NO_MCP, does="no", rules=Rules.FIRST),
    Known("MCP Modify Subject", NOT_YET, "start", _NO_MCP, does="no", rules=Rules.FIRST),
    Known("MCP Subject Text", NOT_YET, "{MCP?}", _NO_MCP, rules=Rules.FIRST),
    Known("High Scoring MCP Modify Subject", NOT_YET, "start", _NO_MCP, does="no", rules=Rules.FIRST),
    Known("High Scoring MCP Subject Text", NOT_YET, "{MCP?}", _NO_MCP, rules=Rules.FIRST),
    Known("Is Definitely MCP", NOT_YET, "no", _NO_MCP, does="no", rules=Rules.FIRST),
    Known("Is Definitely Not MCP", NOT_YET, "no", _NO_MCP, rules=Rules.FIRST),
    Known("Definite MCP Is High Scoring", NOT_YET, "no", _NO_MCP, does="no", rules=Rules.FIRST),
    Known("Always Include MCP Report", NOT_YET, "no", _NO_MCP, does="no", rules=Rules.FIRST),
    Known("Detailed MCP Report", NOT_YET, "yes", _NO_MCP, rules=Rules.FIRST),
    Known("Include Scores In MCP Report", NOT_YET, "no", _NO_MCP, rules=Rules.FIRST),
    Known("Log MCP", NOT_YET, "no", _NO_MCP, does="no"),
    Known("MCP Max SpamAssassin Timeouts", NOT_YET, "20", _NO_MCP),
    Known("MCP Max SpamAssassin Size", NOT_YET, "100k", _NO_MCP),
    Known("MCP SpamAssassin Timeout", NOT_YET, "10", _NO_MCP),
    Known("MCP SpamAssassin Prefs File", NOT_YET, "%mcp-dir%/mcp.spamassassin.conf", _NO_MCP),
    Known("MCP SpamAssassin User State Dir", NOT_YET, "", _NO_MCP),
    Known("MCP SpamAssassin Local Rules Dir", NOT_YET, "%mcp-dir%", _NO_MCP),
    Known("MCP SpamAssassin Default Rules Dir", NOT_YET, "%mcp-dir%", _NO_MCP),
    Known("MCP SpamAssassin Install Prefix", NOT_YET, "%mcp-dir%", _NO_MCP),
    Known(
        "Recipient MCP Report",
        NOT_YET,
        "%report-dir%/recipient.mcp.report.txt",
        _NO_MCP,
        rules=Rules.FIRST,
    ),
    Known("Sender MCP Report", NOT_YET, "%report-dir%/sender.mcp.report.txt", _NO_MCP, rules=Rules.FIRST),
)
