// What every entry of the package shares, in one file per runtime (`dist/client.*`): an entry
// imports from here and from nowhere deeper, so a bundle that uses two entries has one core.

export { core, type Fields, fieldsOf, put, putJson } from "./core.ts";
export { CreditEngine } from "./engine.ts";
export * from "./errors.ts";
export { type Answer, errorOf, Http, type Tried } from "./http.ts";
export { credentials, environment } from "./options.ts";
