// The routes that answer as another vendor's API does: what their errors look like, for the
// tests that go over every route.

import type { Answer } from "./engine.ts";

const HIVEFORGE = "/api/v1/entitlements/credits";
const BELOW = ["", "/usage", "/packs", "/costs", "/settings"];

type Vendor = "pre.dev" | "OpenRouter" | "HiveForge";

/** Whose API a path imitates; `undefined` for the engine's own. */
export function vendorOf(path: string): Vendor | undefined {
  const [bare = ""] = path.split("?", 1);
  if (bare === "/credits-balance") return "pre.dev";
  if (bare === "/api/v1/credits") return "OpenRouter";
  const below = bare.startsWith(HIVEFORGE) ? bare.slice(HIVEFORGE.length) : "none";
  return BELOW.includes(below) ? "HiveForge" : undefined;
}

/** The fields of a vendor's error, in their order, and of what is in them. */
const FIELDS: Record<Vendor, string> = {
  "pre.dev": "error,message",
  OpenRouter: "error,error.code,error.message",
  HiveForge: "error,code,message",
};

/** Whether an answer is an error in the vendor's own shape, of this status. */
export function isVendorError(vendor: Vendor, { status, body, headers }: Answer): boolean {
  const fields = Object.entries(body).flatMap(([name, value]) =>
    typeof value === "object" && value !== null
      ? [name, ...Object.keys(value).map((inner) => `${name}.${inner}`)]
      : [name],
  );
  const isTold = vendor !== "OpenRouter" || body.error.code === status;
  const isJson = headers.get("Content-Type") === "application/json";
  return isJson && isTold && fields.join() === FIELDS[vendor];
}
