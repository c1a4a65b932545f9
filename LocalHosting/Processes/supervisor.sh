# supervisor.sh ENGINE_ID LOCK_FILE [EPHEMERAL_FOLDER]
# Outlives the engine by a moment: reads on stdin which sessions the engine has started and, when stdin ends, because the engine ended,
# in whatever way, ends all of them. Parent-death signals cannot do this: they do not reach grandchildren, daemons, or what changed its user.
#   + SID STARTTIME SIGNAL    a session leader and the signal that ends it gracefully
#   - SID                     it is gone
set -u
id=$1 lock=$2 ephemeral=${3:-}
trap '' INT TERM HUP QUIT
cd /
# Held until the last process is gone: the next engine on this state folder waits for it.
exec 9>>"$lock" && flock 9

declare -A started=() signal=() victims=()
while read -r op sid start sig; do
  case $op in
    +) started[$sid]=$start signal[$sid]=$sig ;;
    -) unset "started[$sid]" "signal[$sid]" ;;
  esac
done

# Adds to victims (pid -> start time) every living process that is in a registered session, carries the engine's mark in its environment,
# or descends from one that does. Postgres and nginx overwrite their environment and Postgres's backends have their own sessions: hence all three.
collect() {
  local -A parent=() begin=() session=()
  local pid line rest
  for line in /proc/[0-9]*/stat; do
    pid=${line#/proc/} pid=${pid%/stat}
    { read -r rest < "$line"; } 2>/dev/null || continue
    rest=${rest##*) }
    set -- $rest
    [[ $1 == Z || $pid == $$ ]] && continue
    parent[$pid]=$2 session[$pid]=$4 begin[$pid]=${20}
  done
  for pid in "${!session[@]}"; do
    local s=${session[$pid]}
    # A pid is not given again while a session of that number lives: only a leader with another start time is a stranger.
    if [[ -n ${started[$s]:-} ]] && [[ -z ${begin[$s]:-} || ${begin[$s]} == "${started[$s]}" ]]; then victims[$pid]=${begin[$pid]}; fi
  done
  while read -r line; do
    pid=${line#/proc/} pid=${pid%/environ}
    [[ -n ${begin[$pid]:-} ]] && victims[$pid]=${begin[$pid]}
  done < <(grep -lsaF "LOCALHOSTING_ENGINE=$id" /proc/[0-9]*/environ 2>/dev/null)
  local grew=1
  while ((grew)); do
    grew=0
    for pid in "${!parent[@]}"; do
      if [[ -z ${victims[$pid]:-} && -n ${victims[${parent[$pid]}]:-} ]]; then victims[$pid]=${begin[$pid]} grew=1; fi
    done
  done
  unset "victims[$$]" "victims[$BASHPID]"
  # Forget those that are gone, or whose number is somebody else's by now.
  for pid in "${!victims[@]}"; do [[ ${begin[$pid]:-} == "${victims[$pid]}" ]] || unset "victims[$pid]"; done
}

collect
if ((${#victims[@]})); then
  for sid in "${!signal[@]}"; do [[ -n ${victims[$sid]:-} ]] && kill -s "${signal[$sid]}" "$sid" 2>/dev/null; done
  for _ in {1..20}; do sleep 0.1; collect; ((${#victims[@]})) || break; done
fi
# Twice empty: nothing was being born between two looks.
for ((empty = 0, round = 0; empty < 2 && round < 100; round++)); do
  if ((${#victims[@]})); then empty=0; kill -KILL "${!victims[@]}" 2>/dev/null; else ((empty++)); fi
  sleep 0.05
  collect
done
[[ -n $ephemeral ]] && rm -rf -- "$ephemeral"
exit 0
