// Compiled, never run: the public types of the surfaces, against what is there. The classes of
// the package itself are compared in `conformance.ts`.

import type * as PublicHiveForge from "../types/hiveforge.d.ts";
import type * as PublicPredev from "../types/predev.d.ts";
import type * as RealHiveForge from "./hiveforge.ts";
import type * as RealPredev from "./predev.ts";

type Same<Promised, Given extends Promised> = Given;
type Own<Module> = Omit<Module, "CreditEngineError">;

export type HiveForge = Same<Own<typeof PublicHiveForge>, Own<typeof RealHiveForge>>;
export type Predev = Same<Own<typeof PublicPredev>, Own<typeof RealPredev>>;
