;; Exports a plain function and an interface of its own, nothing that a host could serve or run.
(component
  (core module $module
    (func (export "add") (param i32 i32) (result i32)
      (i32.add (local.get 0) (local.get 1))))
  (core instance $instance (instantiate $module))
  (func $add (param "a" u32) (param "b" u32) (result u32)
    (canon lift (core func $instance "add")))
  (instance $calculator (export "add" (func $add)))
  (export "demo:calculator/add@1.2.3" (instance $calculator))
  (export "add" (func $add)))
