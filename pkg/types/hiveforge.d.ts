// The types of `edge-credits/hiveforge`. Fields are named as HiveForge's documentation does.

/**
 * The credits of HiveForge's client under its own names: {@link HiveForgeClient}.
 * @packageDocumentation
 */

import type { CallOptions, ClientOptions } from "./index.d.ts";
import { CreditEngineError } from "./index.d.ts";

export type { CallOptions } from "./index.d.ts";
export { ConfigurationError, CreditEngineError } from "./index.d.ts";

/** What {@link HiveForgeClient} takes. */
export interface HiveForgeClientOptions extends Omit<ClientOptions, "apiKey"> {
  /** The customer. */
  deploymentId: string;
  /** A key of that customer (`ck_…`). */
  deploymentSecret: string;
}

/** What happens when the credits are used up: refused, charged as debt, or a pack is bought. */
export type OverageMode = "block" | "allow" | "auto_purchase";
/** Which provider is to be asked first. The engine only keeps it for you. */
export type AIProviderPriority = "openai" | "anthropic";

/** What a deployment has, in credits. */
export interface CreditBalance {
  /** What is left of the tier's allocations. */
  periodBalance: number;
  /** What else can be spent. Debt is in here, so it may be negative. */
  purchasedBalance: number;
  /** Both together. */
  totalAvailable: number;
  /** What the tier gives each period; 0 without a tier. */
  monthlyAllocation: number;
  /** When the running period ends: an ISO time. */
  periodEnd: string;
  /** What happens when the credits are used up. */
  overageMode: OverageMode;
  /** Which provider is to be asked first. */
  aiProviderPriority: AIProviderPriority;
}

/** What was used in some days. */
export interface CreditUsage {
  /** From when on: an ISO time. */
  startDate: string;
  /** Until when. */
  endDate: string;
  /** Credits that were charged. */
  totalUsed: number;
  /** The same by action. */
  usage: ActionUsage[];
}

/** What one action used. */
export interface ActionUsage {
  /** Null for a model, or where no price list was asked. */
  service: string | null;
  /** The action, or the model. */
  action: string | null;
  /** Credits that were charged. */
  credits: number;
  /** How many charges. */
  count: number;
}

/** A pack of credits that can be bought. */
export interface CreditPack {
  /** Its id. */
  id: string;
  /** Its name, for people. */
  name: string;
  /** How many credits it has. */
  credits: number;
  /** What it costs, in the currency's smallest unit. */
  priceCents: number;
  /** Such as `usd`. */
  currency: string;
}

/** The price of an action. */
export interface CreditCost {
  /** The service. */
  service: string;
  /** The action. */
  action: string;
  /** Credits for one. */
  credits: number;
  /** What it is, for people. */
  description: string | null;
}

/** The calls. What one ends with is a {@link HiveForgeError}. */
export interface Credits {
  /** What the deployment has. */
  getBalance(options?: CallOptions): Promise<CreditBalance>;
  /** Days (UTC, both whole) or times. Left out: those of the running period. */
  getUsage(
    startDate?: Date | string,
    endDate?: Date | string,
    options?: CallOptions,
  ): Promise<CreditUsage>;
  /** The packs that can be bought. */
  getPacks(options?: CallOptions): Promise<CreditPack[]>;
  /** The prices of actions. */
  getCosts(options?: CallOptions): Promise<CreditCost[]>;
  /** Answers the balance with what was set. */
  setAIProviderPriority(
    priority: AIProviderPriority,
    options?: CallOptions,
  ): Promise<CreditBalance>;
  /** Answers the balance with what was set. */
  setOverageMode(mode: OverageMode, options?: CallOptions): Promise<CreditBalance>;
}

/** The client of one deployment: one customer. */
export declare class HiveForgeClient {
  /**
   * Sends nothing.
   * @throws {@link ConfigurationError} for an option that cannot be
   */
  constructor(options: HiveForgeClientOptions);
  /** Asks the engine once, so that wrong credentials fail here. Calls work without it too. */
  initialize(options?: CallOptions): Promise<void>;
  /** The calls. */
  readonly credits: Credits;
}

/** What a call of this client ends with. Without an answer `status` is undefined, and `code` and `cause` tell more. */
export declare class HiveForgeError extends CreditEngineError {}
