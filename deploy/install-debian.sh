#!/bin/sh
# Install what the whole system needs on Debian, without starting a service or configuring Postfix.
#
#     deploy/install-debian.sh [--tests]
#
# Quick when all is there. Root is needed only when something is missing. --tests adds what only the tests use.
set -eu

# `file` brings libmagic under whatever name it has.
# swaks is for looking: the README sends a message with it.
wanted='python3-venv file postfix redis-server clamav-daemon rspamd swaks'
# pymilter has no wheels: its C part is compiled.
build='gcc python3-dev libmilter-dev'
tests='chromium clamav-testfiles e2fsprogs iproute2 openssl spamassassin spamd strace'
# The corpus of real mail is an npm package; Debian's npm is large, any other one does as well.
command -v npm >/dev/null || tests="$tests npm"

[ "${1-}" = --tests ] && wanted="$wanted $tests"

missing() {
    for package in "$@"; do
        dpkg-query -W -f='${Status}\n' "$package" 2>/dev/null | grep -q ' ok installed$' || printf '%s ' "$package"
    done
}

command -v dpkg-query >/dev/null || {
    echo 'install-debian.sh: this is no Debian; install by hand:' "$wanted" >&2
    exit 1
}
# shellcheck disable=SC2086 # lists of words
packages=$(missing $wanted $build)
[ -n "$packages" ] || exit 0

[ "$(id -u)" = 0 ] || {
    echo 'install-debian.sh: run it as root; it would install:' "$packages" >&2
    exit 1
}

# Debian starts a service when its package is installed, unless this file says no (101: forbidden by policy).
policy=/usr/sbin/policy-rc.d
saved=
restore() {
    rm -f "$policy"
    [ -z "$saved" ] || mv "$saved" "$policy"
}
trap restore EXIT
trap 'exit 130' INT TERM
if [ -e "$policy" ]; then
    saved=$policy.mailmill-saved
    mv "$policy" "$saved"
fi
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

export DEBIAN_FRONTEND=noninteractive
echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
echo "installing: $packages"
apt-get -q update
# shellcheck disable=SC2086 # a list of words
apt-get -q -y --no-install-recommends install $packages
