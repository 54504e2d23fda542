// Modules of bytes: see the rules in wrangler.toml.

declare module "*.gz" {
  const bytes: ArrayBuffer;
  export default bytes;
}
