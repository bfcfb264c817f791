"""Options of MailScanner's about other virus scanners."""

from __future__ import annotations

from typing import Final

from mailmill.settings.known.record import NOT_APPLICABLE, NOT_YET, Known

_ONLY_CLAMD: Final = "Of the virus scanners only clamd is there."

OPTIONS: Final = (
    Known("Allowed Sophos Error Messages", NOT_YET, "", _ONLY_CLAMD, does=""),
    Known("Sophos IDE Dir", NOT_YET, "/opt/sophos-av/lib/sav", _ONLY_CLAMD),
    Known("Sophos Lib Dir", NOT_YET, "/opt/sophos-av/lib", _ONLY_CLAMD),
    Known(
        "Monitors For Sophos Updates",
        NOT_APPLICABLE,
        "/opt/sophos-av/lib/sav/*.ide",
        "Scanners load their signatures by themselves.",
    ),
    Known("SAVID Socket", NOT_YET, "/var/lib/savdid/savdid.sock", _ONLY_CLAMD),
    Known("Fpscand Port", NOT_APPLICABLE, "10200", "F-PROT is no longer made."),
    Known("Kse Port", NOT_YET, "9999", _ONLY_CLAMD),
    Known("Kse Socket", NOT_YET, "/var/run/kse/kse.sock", _ONLY_CLAMD),
    Known("Avastd Socket", NOT_YET, "/var/run/avast/scan.sock", _ONLY_CLAMD),
    Known("Fsecure Socket", NOT_YET, "/tmp/.fsav-0", _ONLY_CLAMD),  # noqa: S108 - a fact about MailScanner
    Known(
        "Monitors for ClamAV Updates",
        NOT_APPLICABLE,
        "/usr/local/share/clamav/*.cld /usr/local/share/clamav/*.cvd "
        "/var/lib/clamav/*.inc/* /var/lib/clamav/*.?db /var/lib/clamav/*.cvd",
        "clamd loads its signatures by itself. Older versions only.",
    ),
    Known(
        "ClamAVmodule Maximum Recursion Level",
        NOT_APPLICABLE,
        "8",
        "clamd.conf: MaxRecursion. Older versions only.",
    ),
    Known("ClamAVmodule Maximum Files", NOT_APPLICABLE, "1000", "clamd.conf: MaxFiles. Older versions only."),
    Known(
        "ClamAVmodule Maximum File Size",
        NOT_APPLICABLE,
        "10000000",
        "clamd.conf: MaxFileSize. Older versions only.",
    ),
    Known(
        "ClamAVmodule Maximum Compression Ratio",
        NOT_APPLICABLE,
        "250",
        "clamd has no such limit any more. Older versions only.",
    ),
)
