// What the build turns into a text: see scripts/build.mjs.

declare module "*.json?text" {
  const text: string;
  export default text;
}
