"""Options of policy: who is exempt, what is forbidden, what is done with what, and what the headers say."""

from __future__ import annotations

from typing import Final

from mailmill.settings.actions import ACTIONS
from mailmill.settings.kinds import HEADER_NAME, PATHS, TEXT, WORDS, YES_NO, join_words, whole_number
from mailmill.settings.option import Option, Origin, Rules
from mailmill.settings.ruleactions import RULE_ACTIONS, join_rule_actions

IS_DEFINITELY_NOT_SPAM: Final = Option(
    "Is Definitely Not Spam",
    YES_NO,
    default="no",
    rules=Rules.FIRST,
    description="Mail that matches is never spam, whatever the spam scanner says.",
)
IS_DEFINITELY_SPAM: Final = Option(
    "Is Definitely Spam",
    YES_NO,
    default="no",
    rules=Rules.FIRST,
    description="Mail that matches is spam; with Milter Scanner it is refused in the SMTP session.",
)
DEFINITE_SPAM_IS_HIGH: Final = Option(
    "Definite Spam Is High Scoring",
    YES_NO,
    default="no",
    rules=Rules.FIRST,
    description="Treat mail of Is Definitely Spam as high scoring spam.",
)
WHITELIST_MAX_RECIPIENTS: Final = Option(
    "Ignore Spam Whitelist If Recipients Exceed",
    whole_number(0),
    default="20",
    unit="recipients",
    description="Is Definitely Not Spam is ignored for a message with more recipients than this.",
)
FILENAME_RULES: Final = Option(
    "Filename Rules",
    PATHS,
    default="/etc/MailScanner/filename.rules.conf",
    rules=Rules.ALL,
    join=join_words,
    description="The files of rules about attachment names. Each line: allow or deny, a regular expression, "
    "text for the log, text for people; separated by tabs. The first line that matches decides; of several "
    "files, those of the first one come first. A file that is not there is an error; "
    "at MailScanner's own place, a warning.",
)
FILETYPE_RULES: Final = Option(
    "Filetype Rules",
    PATHS,
    default="/etc/MailScanner/filetype.rules.conf",
    rules=Rules.ALL,
    join=join_words,
    description="The files of rules about attachment types as libmagic names them. Each line: allow or deny, "
    "a regular expression for the type, optionally one for its MIME type, text for the log, text for people; "
    "separated by tabs.",
)
SPAM_ACTIONS: Final = Option(
    "Spam Actions",
    ACTIONS,
    default='deliver header "X-Spam-Status: Yes"',
    rules=Rules.FIRST,
    description="What to do with spam, for each recipient: any of deliver; delete; store (in the "
    "quarantine; store-spam and store-nonspam say in which part); forward ADDRESS (with deliver to "
    "that one too, otherwise in the recipient's place; _FROMUSER_, _FROMDOMAIN_, _TOUSER_ and "
    "_TODOMAIN_ stand for parts of the addresses); notify (tell the recipient, see Recipient Spam "
    "Report); bounce (tell the sender, where Enable Spam Bounce "
    'allows it); attachment (deliver it as an attachment, see Inline Spam Warning); header "Name: value". '
    "bounce and notify alone delete the message.",
)
HIGH_SCORING_SPAM_ACTIONS: Final = Option(
    "High Scoring Spam Actions",
    ACTIONS,
    default='deliver header "X-Spam-Status: Yes"',
    rules=Rules.FIRST,
    description="What to do with high scoring spam, which is never bounced.",
)
NON_SPAM_ACTIONS: Final = Option(
    "Non Spam Actions",
    ACTIONS,
    default='deliver header "X-Spam-Status: No"',
    rules=Rules.FIRST,
    description="What to do with mail that is no spam.",
)
SPAMASSASSIN_RULE_ACTIONS: Final = Option(
    "SpamAssassin Rule Actions",
    RULE_ACTIONS,
    default="",
    rules=Rules.ALL,
    join=join_rule_actions,
    description="Actions that are added when the spam scanner names a rule, or gives a score: "
    "RULE=>action,... or SpamScore>number=>action,... (also >=, ==, < and <=); not-ACTION takes an "
    "action out of the list. delete takes deliver out.",
)
SEND_NOTICES: Final = Option(
    "Send Notices",
    YES_NO,
    default="yes",
    rules=Rules.FIRST,
    description="Tell Notices To when a message was stopped.",
)
NOTICES_TO: Final = Option(
    "Notices To",
    WORDS,
    default="postmaster",
    rules=Rules.ALL,
    join=join_words,
    description="Who gets the notices. Of mail that could not be delivered those hear whom the default of a "
    "ruleset names.",
)
NOTICES_FROM: Final = Option(
    "Notices From",
    TEXT,
    default="Mailmill",
    rules=Rules.FIRST,
    description="The name that notices come from; the address is Local Postmaster.",
)
LOCAL_POSTMASTER: Final = Option(
    "Local Postmaster",
    TEXT,
    default="postmaster",
    rules=Rules.FIRST,
    description="The address that notices and reports come from.",
)
MAIL_HEADER: Final = Option(
    "Mail Header",
    HEADER_NAME,
    default="X-%org-name%-MailScanner",
    rules=Rules.FIRST,
    description="The name of the header that says what the scan found.",
)
ID_HEADER: Final = Option(
    "ID Header",
    HEADER_NAME,
    default="X-%org-name%-MailScanner-ID",
    rules=Rules.FIRST,
    description="The name of the header with the Mailmill id.",
)
SPAM_HEADER: Final = Option(
    "Spam Header",
    HEADER_NAME,
    default="X-%org-name%-MailScanner-SpamCheck",
    rules=Rules.FIRST,
    description="The name of the header with the spam scanner's report.",
)
SPAM_SCORE_HEADER: Final = Option(
    "Spam Score Header",
    HEADER_NAME,
    default="X-%org-name%-MailScanner-SpamScore",
    rules=Rules.FIRST,
    description="The name of the header with one character per point.",
)
SPAM_SCORE_CHARACTER: Final = Option(
    "Spam Score Character",
    TEXT,
    default="s",
    description="The character that the spam score header repeats.",
)
ENVELOPE_FROM_HEADER: Final = Option(
    "Envelope From Header",
    HEADER_NAME,
    default="X-%org-name%-MailScanner-From",
    rules=Rules.FIRST,
    description="The name of the header with the envelope sender.",
)
INFORMATION_HEADER: Final = Option(
    "Information Header",
    HEADER_NAME,
    default="X-%org-name%-MailScanner-Information",
    rules=Rules.FIRST,
    description="The name of the header that tells where to ask.",
)
INFORMATION_HEADER_VALUE: Final = Option(
    "Information Header Value",
    TEXT,
    default="Please contact the ISP for more information",
    rules=Rules.FIRST,
    description="What the information header says. Empty: no such header.",
)
CLEAN_HEADER_VALUE: Final = Option(
    "Clean Header Value",
    TEXT,
    default="Found to be clean",
    rules=Rules.FIRST,
    description="What the mail header says of clean mail.",
)
INFECTED_HEADER_VALUE: Final = Option(
    "Infected Header Value",
    TEXT,
    default="Found to be infected",
    rules=Rules.FIRST,
    description="What the mail header says of infected mail.",
)
NOT_SCANNED_HEADER_VALUE: Final = Option(
    "Unscanned Header Value",
    TEXT,
    default="Not scanned: please contact your Internet E-Mail Service Provider for details",
    rules=Rules.FIRST,
    description="What the mail header says of mail that was not scanned for viruses.",
)
MAXIMUM_MESSAGE_PARTS: Final = Option(
    "Maximum Message Parts",
    whole_number(1),
    default="500",
    unit="parts",
    origin=Origin.MAILMILL,
    description="A message with more MIME parts than this is treated as unscannable.",
)
