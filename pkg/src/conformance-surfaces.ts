// Compiled, never run: the public types of the surfaces, against what is there. Of a class its
// instances are compared, and of a client also how it is made: errors are not made by users.

import type * as PublicCredly from "../types/credly.d.ts";
import type * as PublicExpress from "../types/express.d.ts";
import type * as PublicGate from "../types/gate.d.ts";
import type * as PublicHiveForge from "../types/hiveforge.d.ts";
import type * as PublicHono from "../types/hono.d.ts";
import type * as PublicNext from "../types/next.d.ts";
import type * as PublicOpenRouter from "../types/openrouter.d.ts";
import type * as PublicPredev from "../types/predev.d.ts";
import type * as RealCredly from "./credly.ts";
import type * as RealExpress from "./express.ts";
import type * as RealGate from "./gate.ts";
import type * as RealHiveForge from "./hiveforge.ts";
import type * as RealHono from "./hono.ts";
import type * as RealNext from "./next.ts";
import type * as RealOpenRouter from "./openrouter.ts";
import type * as RealPredev from "./predev.ts";

type Same<Promised, Given extends Promised> = Given;
type Class = abstract new (...options: never) => unknown;
type Shape<Module> = {
  [Name in keyof Module]: Module[Name] extends { prototype: infer Instance }
    ? Instance
    : Module[Name];
};
type Made<Client extends Class> = ConstructorParameters<Client>;

export type Credly = Same<Shape<typeof PublicCredly>, Shape<typeof RealCredly>>;
export type HiveForge = Same<Shape<typeof PublicHiveForge>, Shape<typeof RealHiveForge>>;
export type HiveForgeMade = Same<
  Made<typeof PublicHiveForge.HiveForgeClient>,
  Made<typeof RealHiveForge.HiveForgeClient>
>;
export type OpenRouter = Same<Shape<typeof PublicOpenRouter>, Shape<typeof RealOpenRouter>>;
export type OpenRouterMade = Same<
  Made<typeof PublicOpenRouter.OpenRouter>,
  Made<typeof RealOpenRouter.OpenRouter>
>;
export type Predev = Same<Shape<typeof PublicPredev>, Shape<typeof RealPredev>>;

/** The gate's requests and responses are any runtime's: both are held to those of the platform. */
type WithCredits = (
  handler: (request: Request) => Response,
  options: PublicGate.GateOptions<Request, [], Response>,
) => (request: Request) => Promise<Response>;
export type Gate = [
  Same<WithCredits, typeof PublicGate.withCredits>,
  Same<WithCredits, typeof RealGate.withCredits>,
  Same<typeof PublicGate.setCost, typeof RealGate.setCost>,
];

type WithNextCredits = (
  handler: (request: Request) => Response,
  options: PublicNext.NextCreditsOptions<Request, [], Response>,
) => (request: Request) => Promise<Response>;
export type Next = [
  Same<WithNextCredits, typeof PublicNext.withCredits>,
  Same<WithNextCredits, typeof RealNext.withCredits>,
  Same<typeof PublicNext.creditsMiddleware, typeof RealNext.creditsMiddleware>,
  Same<typeof PublicNext.setCost, typeof RealNext.setCost>,
];
export type Hono = Same<typeof PublicHono, typeof RealHono>;
export type Express = Same<typeof PublicExpress, typeof RealExpress>;
