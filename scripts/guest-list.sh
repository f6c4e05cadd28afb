# Sourced by build-guests.sh: every guest there is. Columns: name, set (quick: built always; all:
# only with --all or by name), recipe (a function build_RECIPE of guest-recipes.sh), folder or file,
# and for some recipes one argument more.

guest_list() {
  cat <<'END'
http-hello            quick rust       examples/http-hello
http-hello-p3         quick rust       examples/http-hello-p3
http-echo             quick rust       examples/http-echo
http-echo-p3          quick rust       examples/http-echo-p3
http-outbound         quick rust       examples/http-outbound
http-outbound-p3      quick rust       examples/http-outbound-p3
kv-counter            quick rust       examples/kv-counter
greeter-web           quick rust       examples/greeter-web
greeter-component     quick rust       examples/providers/greeter-component
plugin-annotate       quick rust       examples/plugins/annotate
plugin-blobstore-filesystem quick rust examples/plugins/blobstore-filesystem
plugin-otel           quick rust       examples/plugins/otel
plugin-template       quick rust       examples/plugins/template
plugin-inspect        all   go_plugin  examples/plugins/inspect
plugin-text-cpp       all   cpp_plugin examples/plugins/text-cpp
service-http          quick rust       examples/service-http
ticker                quick rust       examples/ticker
command               quick rust       examples/command
command-p3            quick rust       examples/command-p3
http-hello-c          quick c          examples/http-hello-c
http-hello-c-p3       quick c          examples/http-hello-c-p3
command-p1            quick c_command  examples/command-p1
http-hello-cpp        all   cpp        examples/http-hello-cpp
http-hello-go         all   go         examples/http-hello-go
http-hello-js         all   js         examples/http-hello-js
http-hello-py         all   py         examples/http-hello-py
http-hello-ts         all   ts         examples/http-hello-ts
http-misc             quick rust_named tests/guests/http-misc
http-misc-p3          quick rust_named tests/guests/http-misc-p3
http-blobs            quick rust_named tests/guests/http-blobs
http-config           quick rust_named tests/guests/http-config
http-relay            quick rust_named tests/guests/http-relay
http-relay-p3         quick rust_named tests/guests/http-relay-p3
http-sleep            quick rust       tests/guests/http-sleep
http-sleep-p3         quick rust       tests/guests/http-sleep-p3
plugin-hostile        quick rust_named tests/guests/plugin-hostile
plugin-old-1          quick rust_named tests/guests/plugin-old-1
plugin-old-2          quick rust_named tests/guests/plugin-old-2
plugin-old-tally      quick rust_named tests/guests/plugin-old-tally
plugin-probe          quick rust_named tests/guests/plugin-probe
plugin-tally          quick rust_named tests/guests/plugin-tally
plugin-web            quick rust_named tests/guests/plugin-web
pair-back             quick rust_named tests/guests/pair-back
pair-web              quick rust_named tests/guests/pair-web
service-asker-p3      quick rust_named tests/guests/service-asker-p3
service-caller        quick rust_named tests/guests/service-caller
service-probe         quick rust_named tests/guests/service-probe
service-web-p3        quick rust_named tests/guests/service-web-p3
tally-back            quick rust_named tests/guests/tally-back
tally-web             quick rust_named tests/guests/tally-web
tcp-service           quick rust_named tests/guests/tcp-service
tcp-service-p3        quick rust_named tests/guests/tcp-service-p3
http-hello-0.2.0      quick c          examples/http-hello-c 0.2.0
http-hello-0.2.99     quick c          examples/http-hello-c 0.2.99
END
  local file
  for file in "$root"/tests/guests/wat/*.wat; do
    file=${file##*/}
    echo "wat-${file%.wat} quick wat tests/guests/wat/$file"
  done
  for file in "$root"/tests/guests/core/*.wat; do
    file=${file##*/}
    case $file in
      *-p3.wat) echo "wat-${file%.wat} quick wat_core tests/guests/core/$file p3" ;;
      *) echo "wat-${file%.wat} quick wat_core tests/guests/core/$file p2" ;;
    esac
  done
}
