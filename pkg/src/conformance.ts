// Compiled, never run: the public types, which are written by hand, against what is there.

import type * as Public from "../types/index.d.ts";
import type * as Real from "./index.ts";

type Same<Promised, Given extends Promised> = Given;

export type Index = Same<
  Omit<typeof Public, "CreditEngineError">,
  Omit<typeof Real, "CreditEngineError">
>;
export type Base = Same<
  InstanceType<typeof Public.CreditEngineError>,
  InstanceType<typeof Real.CreditEngineError>
>;
