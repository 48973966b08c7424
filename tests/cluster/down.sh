#!/usr/bin/env bash
# End the SLURM that up.sh FOLDER has started, with its jobs. Only processes named in FOLDER/run are ended.
set -uo pipefail

folder=$(cd "$1" && pwd) || exit 1
alive() { [ -s "$folder/run/$1.pid" ] && kill -0 "$(cat "$folder/run/$1.pid")" 2> /dev/null; }

if alive slurmctld; then
  scontrol update nodename=node-cpu,node-spare,node-many,node-long,node-gpu state=resume 2> /dev/null
  squeue -h -o %A | sort -u | xargs -r scancel
  for _ in $(seq 100); do
    [ -z "$(squeue -h)" ] && break
    sleep 0.2
  done
fi
for daemon in node-cpu node-spare node-many node-long node-gpu slurmctld munged; do
  alive "$daemon" || continue
  pid=$(cat "$folder/run/$daemon.pid")
  kill "$pid"
  for _ in $(seq 100); do
    kill -0 "$pid" 2> /dev/null || break
    sleep 0.1
  done
  kill -9 "$pid" 2> /dev/null
done
for file in slurm.conf gres.conf; do
  [ "$(readlink "/etc/slurm/$file")" = "$folder/etc/$file" ] && rm "/etc/slurm/$file"
done
# The next one begins with job 1; logs stay.
rm -rf "$folder/state" "$folder/spool"
