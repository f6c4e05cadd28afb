;; A command that writes one record by wasi:logging, and succeeds.
(component
  (import "wasi:logging/logging@0.1.0-draft" (instance $logging
    (type $level' (enum "trace" "debug" "info" "warn" "error" "critical"))
    (export "level" (type $level (eq $level')))
    (export "log" (func (param "level" $level) (param "context" string) (param "message" string)))))
  (core module $memory
    (memory (export "memory") 1)
    (data (i32.const 0) "part")
    (data (i32.const 16) "a record of the guest"))
  (core instance $data (instantiate $memory))
  (alias core export $data "memory" (core memory $memory))
  (core func $log (canon lower (func $logging "log") (memory $memory)))
  (core module $module
    (import "host" "log" (func $log (param i32 i32 i32 i32 i32)))
    (func (export "run") (result i32)
      (call $log (i32.const 5) (i32.const 0) (i32.const 4) (i32.const 16) (i32.const 21))
      (i32.const 0)))
  (core instance $instance (instantiate $module
    (with "host" (instance (export "log" (func $log))))))
  (func $run (result (result)) (canon lift (core func $instance "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
