# The command of every rule, for bash: sourced before it (workflow/rules/common.smk), with the Python that runs the
# workflow as its argument; without one where rules have environments of their own, whose command it is then.
jetpulse_python=${1:-}

jetpulse() {
  local argument total=0 arguments=()
  for argument; do
    # Linux takes 128 kB in one argument, and a character has up to 4 bytes; functions of bash have no limit. Every
    # option that takes JSON takes @FILE as well.
    if [ ${#argument} -gt 30000 ]; then
      case $argument in "{"* | "["*) argument=@$(jetpulse_keep json "$argument") ;; esac
    fi
    arguments+=("$argument")
    total=$((total + ${#argument} + 1))
    [ ${#argument} -le 30000 ] || total=200001
  done
  # All together 2 MB, less where the stack is limited.
  if [ $total -gt 200000 ]; then
    arguments=("$1" "@$(jetpulse_keep arguments "${arguments[@]:1}")")
  fi
  if [ -n "$jetpulse_python" ]; then
    # Whatever PATH says; -P: no module is taken from the folder that the workflow works in.
    "$jetpulse_python" -P -m jetpulse.cli "${arguments[@]}"
  elif type -P jetpulse > /dev/null; then
    command jetpulse "${arguments[@]}"
  else
    echo "jetpulse: no such command in this rule's environment (PATH is $PATH); install the package in it" >&2
    return 127
  fi
}

# Write texts to a file named by their hash and its ending; print its name. It stays, so that the command in the log can
# be run again.
jetpulse_keep() {
  local folder=.jetpulse/arguments hash file
  file=$folder/.$$-$RANDOM.tmp
  mkdir -p $folder \
    && jetpulse_write "$@" > "$file" \
    && hash=$({ sha256sum 2> /dev/null || shasum -a 256; } < "$file") \
    && mv "$file" "$folder/${hash:0:16}.$1" \
    && echo "$folder/${hash:0:16}.$1"
}

jetpulse_write() {
  if [ "$1" = json ]; then printf %s "$2"; else printf '%s\0' "${@:2}"; fi
}
