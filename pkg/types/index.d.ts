// The public types, written by hand: they need neither the DOM's nor Node's, and hold under
// lib es2022.

/**
 * The client of an edge-credits engine: {@link CreditEngine}, its errors and its types.
 * @packageDocumentation
 */

export type * from "./client/amounts.d.ts";
export type * from "./client/analytics.d.ts";
export type * from "./client/charges.d.ts";
export * from "./client/engine.d.ts";
export * from "./client/errors.d.ts";
export type * from "./client/options.d.ts";
export type * from "./client/platform.d.ts";
export type * from "./client/transactions.d.ts";
export type * from "./client/usage.d.ts";

/** The version of this package. */
export declare const VERSION: string;
