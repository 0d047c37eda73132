"""The text of the program that stands in for the OCI runtime of a containerd of ours. No I/O.

It is a shell script, so that nothing has to be compiled and a call of the runtime takes a millisecond more.
"""

import shlex
from pathlib import Path

from strongroom.node.containerd import secret_env
from strongroom.node.runtime import pod_cgroup

_WRAPPER = """\
#!/bin/sh
# Written by strongroom at each start. Runs the OCI runtime. Before it makes a container or a process in one,
# puts the values of Secrets where the specification holds marks for them: they are in memory and stay there.
# Before it removes a container, notes whether the kernel killed a process of it for want of memory.
runtime={runtime}
values={values}
oom_kills={oom_kills}
verb= file= before=
for word; do
    case $before in
        --bundle) file=$word/config.json ;;
        --process) file=$word ;;
        --root | --log | --log-format | --pid-file | --console-socket) ;;
        *) case $word in create | exec | delete) verb=${{verb:-$word}} ;; esac ;;
    esac
    before=$word
done
if [ "$verb" = delete ]; then
    for events in {cgroups}; do
        [ -r "$events" ] || continue
        while read -r name count; do
            if [ "$name" = oom_kill ] && [ "$count" != 0 ]; then
                mkdir -p "$oom_kills" && echo >"$oom_kills/$word"
            fi
        done <"$events"
    done 2>/dev/null
elif [ "$verb" ] && [ "$file" ]; then
    if [ -f "$values/$word" ]; then
        LC_ALL=C sed -i -f "$values/$word" "$file" 2>/dev/null || {{
            echo "the values of Secrets could not be put into the environment" >&2
            exit 1
        }}
    elif [ "$verb" = create ] && grep -q {mark} "$file"; then
        echo "the values of Secrets for the environment are not there" >&2
        exit 1
    fi
fi
exec "$runtime" "$@"
"""


def render(runtime: Path, *, values: Path, oom_kills: Path, cgroups: Path = pod_cgroup.ROOT) -> str:
    """The program that stands in for `runtime`. `values`: the directory of `SecretEnv`; `oom_kills`: that of
    `OOMKills`; `cgroups`: where the kernel shows its control groups, of version 1 or 2."""
    pods = f'{pod_cgroup.PARENT}/pod*/"$word"'
    root = shlex.quote(str(cgroups))
    return _WRAPPER.format(
        runtime=shlex.quote(str(runtime)),
        values=shlex.quote(str(values)),
        oom_kills=shlex.quote(str(oom_kills)),
        mark=shlex.quote(secret_env.MARK),
        cgroups=f"{root}/memory/{pods}/memory.oom_control {root}/{pods}/memory.events",
    )
