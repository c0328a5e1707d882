#!/usr/bin/env bash
# The runner runs this before the first step of its job (ACTIONS_RUNNER_HOOK_JOB_STARTED). It refuses a job that is not
# of a workflow, branch and event that `policy`, beside this file, allows. GITHUB_* are set by the runner from what GitHub
# sends; a workflow's `env` cannot change them.
#
# A failing hook is not enough: steps with `if: always()` would run all the same (actions/runner issue 2811). So the
# process that runs steps, Runner.Worker, is killed; the listener then reports the job as failed.
set -euo pipefail
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

folder=$(cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
policy=${folder}/policy

kill_worker() {
  local pid=$PPID name status
  while [[ ${pid} -gt 1 && -r /proc/${pid}/status ]]; do
    name=$(< "/proc/${pid}/comm")
    if [[ ${name} == Runner.Worker ]]; then
      kill -KILL "${pid}"
      return
    fi
    status=$(grep '^PPid:' "/proc/${pid}/status")
    pid=${status//[!0-9]/}
  done
}

refuse() {
  printf '::error title=This runner does not take the job::%s\n' "$1"
  sleep 1 # for the line above to be sent
  kill_worker
  exit 1
}

# The values of a word in the policy, with a space around each.
allowed() {
  local key values
  while read -r key values; do
    if [[ ${key} == "$1" ]]; then
      printf ' %s ' "${values}"
    fi
  done < "${policy}"
}

[[ -r ${policy} ]] || refuse "There is no policy."

repository=$(allowed repository)
ref=$(allowed ref)
events=$(allowed events)
workflows=$(allowed workflows)

[[ -n ${GITHUB_REPOSITORY:-} && ${repository} == " ${GITHUB_REPOSITORY} " ]] || refuse "It is of another repository."
[[ ${GITHUB_EVENT_NAME:-} =~ ^[a-z_]+$ && ${events} == *" ${GITHUB_EVENT_NAME} "* ]] \
  || refuse "It was started by an event that is not allowed."
[[ -n ${GITHUB_REF:-} && ${ref} == " ${GITHUB_REF} " ]] || refuse "It is on another branch."

for name in ${workflows}; do
  if [[ ${GITHUB_WORKFLOW_REF:-} == "${GITHUB_REPOSITORY}/.github/workflows/${name}@${GITHUB_REF}" ]]; then
    exit 0
  fi
done
refuse "It is of a workflow that is not allowed."
