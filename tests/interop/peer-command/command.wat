;; Calls a peer of `nimbus:interop/peer` and fails unless it gives back the bytes that it was sent:
;; none, 10, and 3,000,000, which is more than one message of NATS. It sends no numbers: the decoder
;; that the bridge is locked to (leb128-tokio 0.1.6) does not read negative ones.
(module
  (import "nimbus:interop/peer" "same-bytes" (func $same_bytes (param i32 i32 i32)))
  (import "nimbus:interop/peer" "nothing" (func $nothing))

  ;; Results at 64, what is sent from 1024 on, what comes back behind 4 MiB.
  (memory (export "memory") 128)
  (global $free (mut i32) (i32.const 4194304))

  ;; Nothing is ever freed or grown.
  (func (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32)
    (param $size i32) (result i32) (local $at i32)
    (if (local.get $old) (then unreachable))
    (local.set $at
      (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get $size)))
    (local.get $at))

  (func $must (param i32) (if (i32.eqz (local.get 0)) (then unreachable)))

  (func $check_bytes (param $size i32) (local $at i32)
    (memory.fill (i32.const 1024) (i32.const 0x78) (local.get $size))
    (call $same_bytes (i32.const 1024) (local.get $size) (i32.const 64))
    (call $must (i32.eq (i32.load (i32.const 68)) (local.get $size)))
    (loop $next
      (if (i32.lt_u (local.get $at) (local.get $size))
        (then
          (call $must
            (i32.eq (i32.const 0x78)
              (i32.load8_u (i32.add (i32.load (i32.const 64)) (local.get $at)))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $next)))))

  (func (export "wasi:cli/run@0.2.0#run") (result i32)
    (call $check_bytes (i32.const 0))
    (call $check_bytes (i32.const 10))
    (call $check_bytes (i32.const 3000000))
    (call $nothing)
    (i32.const 0)))
