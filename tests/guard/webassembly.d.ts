// What Node has of WebAssembly and its types leave out, as far as it is used here.

declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports?: object);
    readonly exports: unknown;
  }
  function validate(bytes: Uint8Array): boolean;
}
