#!/usr/bin/env bash
# Start the runner in the folder that glossator-runner@.service has prepared: a new, empty file system with the runner's
# own programs mounted read-only. What the broker got from GitHub comes as a credential, not as an argument.
set -euo pipefail

# Where the kernel or a container has no BPF, systemd starts the unit all the same and filters no address. A datagram
# to loopback is refused at once where the filter works, and sent where it does not.
if [[ ${GLOSSATOR_RUNNER_UNFILTERED:-} != yes ]] && { printf x > /dev/udp/127.0.0.1/9; } 2> /dev/null; then
  echo "The addresses that a job may reach are not filtered on this machine (no BPF for systemd), so that none is run." >&2
  exit 78
fi

cd /runner

# The work folder is on disk: a checkout may be larger than memory. systemd makes /var/tmp anew for each start of the
# unit and deletes it when the unit has ended (PrivateTmp).
mkdir -p /var/tmp/work /var/tmp/home
ln -s /var/tmp/work _work
export HOME=/var/tmp/home

ACTIONS_RUNNER_INPUT_JITCONFIG=$(< "${CREDENTIALS_DIRECTORY:?}/jitconfig")
export ACTIONS_RUNNER_INPUT_JITCONFIG
unset CREDENTIALS_DIRECTORY
exec ./run.sh
