// The types of `edge-credits/hiveforge`. Fields are named as HiveForge's documentation does.

import type { CallOptions, ClientOptions } from "./index.d.ts";
import { CreditEngineError } from "./index.d.ts";

export type { CallOptions } from "./index.d.ts";
export { ConfigurationError, CreditEngineError } from "./index.d.ts";

export interface HiveForgeClientOptions extends Omit<ClientOptions, "apiKey"> {
  /** The customer. */
  deploymentId: string;
  /** A key of that customer (`ck_…`). */
  deploymentSecret: string;
}

export type OverageMode = "block" | "allow" | "auto_purchase";
export type AIProviderPriority = "openai" | "anthropic";

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
  overageMode: OverageMode;
  aiProviderPriority: AIProviderPriority;
}

export interface CreditUsage {
  startDate: string;
  endDate: string;
  totalUsed: number;
  usage: ActionUsage[];
}

export interface ActionUsage {
  /** Null for a model, or where no price list was asked. */
  service: string | null;
  action: string | null;
  credits: number;
  count: number;
}

export interface CreditPack {
  id: string;
  name: string;
  credits: number;
  priceCents: number;
  currency: string;
}

export interface CreditCost {
  service: string;
  action: string;
  credits: number;
  description: string | null;
}

export interface Credits {
  getBalance(options?: CallOptions): Promise<CreditBalance>;
  /** Days (UTC, both whole) or times. Left out: those of the running period. */
  getUsage(
    startDate?: Date | string,
    endDate?: Date | string,
    options?: CallOptions,
  ): Promise<CreditUsage>;
  getPacks(options?: CallOptions): Promise<CreditPack[]>;
  getCosts(options?: CallOptions): Promise<CreditCost[]>;
  /** Answers the balance with what was set. */
  setAIProviderPriority(
    priority: AIProviderPriority,
    options?: CallOptions,
  ): Promise<CreditBalance>;
  /** Answers the balance with what was set. */
  setOverageMode(mode: OverageMode, options?: CallOptions): Promise<CreditBalance>;
}

export declare class HiveForgeClient {
  constructor(options: HiveForgeClientOptions);
  /** Asks the engine once, so that wrong credentials fail here. Calls work without it too. */
  initialize(options?: CallOptions): Promise<void>;
  readonly credits: Credits;
}

/** What a call of this client ends with. Without an answer `status` is undefined, and `code` and `cause` tell more. */
export declare class HiveForgeError extends CreditEngineError {}
