;; Gives back the text that it is given. There is room for one, which is enough: it is done with
;; a text before it is asked for the next.
(module
  (memory (export "memory") 2)
  (func (export "malloc") (param $length i32) (param $align i32) (result i32)
    (i32.const 1024))
  (func (export "realloc") (param $at i32) (param $length i32) (param $longer i32) (param $align i32)
    (result i32)
    (local.get $at))
  (func (export "free") (param $at i32) (param $length i32) (param $align i32))
  (func (export "echo") (param $at i32) (param $length i32) (result i32 i32)
    (local.get $at)
    (local.get $length)))
