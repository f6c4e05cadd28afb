;; A core module that looks like a command of preview 1 but wants something else too.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
  (import "env" "surprise" (func $surprise))
  (memory (export "memory") 1)
  (func (export "_start")
    (call $surprise)))
