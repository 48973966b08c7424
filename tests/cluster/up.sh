#!/usr/bin/env bash
# Start a real SLURM of five small nodes on this machine: controller, a daemon per node, munge. No systemd, no cgroups.
#
# Usage: up.sh FOLDER      settings, state and logs go below FOLDER; down.sh FOLDER ends it.
# Exit code 77: this machine cannot have one; the reason is on stderr.
set -euo pipefail

folder=$(mkdir -p "$1" && cd "$1" && pwd)
host=$(hostname -s)

cannot() {
  echo "$1" >&2
  exit 77
}

wait_for() { # wait_for SECONDS COMMAND...
  local end=$((SECONDS + $1))
  shift
  until "$@" > /dev/null 2>&1; do
    ((SECONDS < end)) || { echo "after $SECONDS s still no: $*; see $folder/log" >&2; exit 1; }
    sleep 0.2
  done
}

[ "$(id -u)" = 0 ] || cannot "a SLURM of the tests' own is started by root; this is $(id -un)"
# Jobs lose SLURM_CONF on their way through Snakemake, so that the settings have to lie at the default place.
if [ -e /etc/slurm/slurm.conf ] && [ ! -L /etc/slurm/slurm.conf ]; then
  cannot "/etc/slurm/slurm.conf: this machine belongs to another SLURM"
fi
if [ -e /etc/slurm/slurm.conf ] && [ "$(readlink /etc/slurm/slurm.conf)" != "$folder/etc/slurm.conf" ] \
  && scontrol ping 2> /dev/null | grep -q "is UP"; then
  cannot "$(readlink /etc/slurm/slurm.conf): another SLURM of tests is running"
fi

missing=()
for program in slurmctld slurmd sbatch munged; do
  command -v "$program" > /dev/null || missing+=("$program")
done
if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get > /dev/null || cannot "${missing[*]}: not installed, and there is no apt-get to install them"
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends slurmctld slurmd slurm-client munge; } \
    > "$folder/install.log" 2>&1 \
    || cannot "${missing[*]}: cannot be installed: $(tail -n 1 "$folder/install.log")"
fi

mkdir -p "$folder"/{etc,log,run,state,spool,dev,munge} /etc/slurm
# Step daemons of other users, munge among them, want to pass through.
chmod 755 "$folder" "$folder"/*/
getent hosts "$host" > /dev/null || echo "127.0.0.1 $host" >> /etc/hosts

# Only for a character device does SLURM set CUDA_VISIBLE_DEVICES; these are copies of /dev/null.
for gpu in 0 1; do
  [ -c "$folder/dev/gpu$gpu" ] || mknod -m 666 "$folder/dev/gpu$gpu" c 1 3 2> /dev/null \
    || cannot "mknod: a fake GPU, which is a device, cannot be made here"
done
[ -s "$folder/munge/key" ] || (umask 077 && head -c 1024 /dev/urandom > "$folder/munge/key")

printf 'AutoDetect=off\nNodeName=node-gpu Name=gpu Type=fake File=%s\n' "$folder/dev/gpu[0-1]" > "$folder/etc/gres.conf"
cat > "$folder/etc/slurm.conf" << CONF
ClusterName=tests
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort=16717
# Nothing but this machine is listened to.
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthType=auth/munge
# A job that is queued again after a failure waits until its first credentials are void, by default two minutes.
AuthInfo=socket=$folder/munge/socket,cred_expire=10
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool/%n
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmdPidFile=$folder/run/%n.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/%n.log
# By process group: the other way without cgroups, linuxproc, loses processes whose parent ends first.
ProctrackType=proctrack/pgid
TaskPlugin=task/none
# Memory is looked at every two seconds; shared pages count once.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=2
JobAcctGatherParams=OverMemoryKill,UsePss
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SwitchType=switch/none
MpiDefault=none
# A node that was set down stays so until it is resumed.
ReturnToService=1
# The nodes have more processors and memory than the machine: jobs wait for one another less.
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
# What can never run is refused when submitted.
EnforcePartLimits=ALL
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,bf_interval=1,sched_interval=2
PriorityType=priority/basic
KillWait=5
InactiveLimit=0
SlurmdTimeout=60
SlurmctldTimeout=60
# Ended jobs stay in squeue until the tests have looked at them.
MinJobAge=3600
NodeName=node-cpu NodeHostname=$host NodeAddr=127.0.0.1 Port=16718 CPUs=6 RealMemory=64000 State=UNKNOWN
NodeName=node-spare NodeHostname=$host NodeAddr=127.0.0.1 Port=16720 CPUs=4 RealMemory=64000 State=UNKNOWN
NodeName=node-many NodeHostname=$host NodeAddr=127.0.0.1 Port=16722 CPUs=4 RealMemory=64000 State=UNKNOWN
NodeName=node-long NodeHostname=$host NodeAddr=127.0.0.1 Port=16721 CPUs=2 RealMemory=64000 State=UNKNOWN
NodeName=node-gpu NodeHostname=$host NodeAddr=127.0.0.1 Port=16719 CPUs=2 RealMemory=64000 Gres=gpu:fake:2 State=UNKNOWN
PartitionName=cpu Nodes=node-cpu Default=YES MaxTime=600 DefaultTime=10 State=UP
PartitionName=spare Nodes=node-spare MaxTime=600 DefaultTime=10 State=UP
PartitionName=many Nodes=node-many MaxTime=600 DefaultTime=10 State=UP
PartitionName=long Nodes=node-long MaxTime=600 DefaultTime=10 State=UP
PartitionName=gpu Nodes=node-gpu MaxTime=600 DefaultTime=10 State=UP
CONF
for file in slurm.conf gres.conf; do
  ln -sfn "$folder/etc/$file" "/etc/slurm/$file"
done
unset "${!SLURM_@}" "${!SBATCH_@}"

alive() { [ -s "$folder/run/$1.pid" ] && kill -0 "$(cat "$folder/run/$1.pid")" 2> /dev/null; }
speaks() { munge -S "$folder/munge/socket" -n | unmunge -S "$folder/munge/socket"; }
controls() { scontrol ping | grep -q "is UP"; }
serve() { ! sinfo -h -N -o %T | grep -qvE "^(idle|mixed|allocated|completing)$"; }

if ! alive munged; then
  munged --force --key-file="$folder/munge/key" --socket="$folder/munge/socket" --pid-file="$folder/run/munged.pid" \
    --log-file="$folder/log/munged.log" --seed-file="$folder/munge/seed"
fi
wait_for 10 speaks
alive slurmctld || slurmctld
wait_for 20 controls
for node in node-cpu node-spare node-many node-long node-gpu; do
  alive "$node" || slurmd -N "$node"
done
wait_for 30 serve
sinfo -N -o "%N %P %T %c processors %m MB %G"
