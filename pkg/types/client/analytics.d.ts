// Analytics: sums over a project's journals. All counts are in credits; rows are named as in the
// HTTP API.

import type { CallOptions } from "./options.d.ts";
import type { TransactionType } from "./transactions.d.ts";

/** Days in UTC, today included. */
export type Period = "last_7_days" | "last_30_days" | "last_90_days" | "current_month";

/** Which days. */
export interface PeriodOptions extends CallOptions {
  /** Default `last_30_days`. */
  period?: Period;
}

/** Which days and customers, and what a row is. */
export interface UsageAnalyticsOptions extends PeriodOptions {
  /** What a row is. Default `day`. */
  groupBy?: "day" | "week" | "action";
  /** One customer; all together if absent. */
  customerId?: string;
  /** The first day, instead of `period`. A text is `2026-01-31`. */
  from?: Date | string;
  /** The last day. */
  to?: Date | string;
}

/** How many of the greatest consumers. */
export interface TopConsumersOptions extends PeriodOptions {
  /** How many rows, 1 to 100. Default 10. */
  limit?: number;
}

/** Over how many days a burn rate is. */
export interface BurnRateOptions extends CallOptions {
  /** Days, today included, 1 to 365. Default 30. */
  days?: number;
}

/** What all rows of analytics count. */
export interface UsageTotals {
  /** What charges took. */
  consumed: number;
  /** What everything else put in. */
  added: number;
  /** What everything else took. */
  removed: number;
  /** What the balances changed by: `added` less `consumed` and `removed`. */
  net: number;
  /** The part of `consumed` that no credits could pay. */
  overage: number;
  /** How many transactions. */
  transaction_count: number;
}

/** A day's or a week's totals. */
export interface UsageDay extends UsageTotals {
  /** The day; of a week its Monday. */
  day: string;
  /** Only by week: its Monday. */
  week?: string;
}

/** The totals of what was done. */
export interface ActionUsage extends UsageTotals {
  /** The priced action or model; null where the price lists were not asked. */
  action: string | null;
  /** What moved the credits. */
  type: TransactionType;
  /** The action's service; null where there is none. */
  service: string | null;
}

/** Rows with the days that they cover. */
export interface UsageAnalytics<Row = UsageDay> {
  /** Every day or week in turn, empty ones too; or the actions, the most consumed first. */
  data: Row[];
  /** The first day. */
  from: string;
  /** The last day. */
  to: string;
  /** Whose, if one customer was asked for. */
  customer_id?: string;
}

/** One of the greatest consumers. */
export interface TopConsumer {
  /** Who. */
  customer_id: string;
  /** What charges took. */
  total_consumed: number;
  /** What everything else put in. */
  total_added: number;
  /** What everything else took. */
  total_removed: number;
  /** The part of `total_consumed` that no credits could pay. */
  overage: number;
  /** How many transactions. */
  transaction_count: number;
}

/** How fast a project's credits are used: averages over whole days, today included. */
export interface BurnRate {
  /** What charges took on an average day. */
  daily_avg_consumed: number;
  /** What everything else put in on an average day. */
  daily_avg_added: number;
  /** What everything else took on an average day. */
  daily_avg_removed: number;
  /** What the balances fall by on an average day. */
  net_daily_burn: number;
  /** For how many days the balances last; null while they do not fall. */
  projection_days_remaining: number | null;
  /** All customers' credits now. */
  total_balance: number;
  /** Over how many days the averages are. */
  days: number;
}

/** The totals of some days. */
export interface PeriodTotals {
  /** The first day. */
  from: string;
  /** The last day. */
  to: string;
  /** What charges took. */
  total_consumed: number;
  /** What everything else put in. */
  total_added: number;
  /** What everything else took. */
  total_removed: number;
  /** What the balances changed by. */
  net_change: number;
  /** The part of `total_consumed` that no credits could pay. */
  overage: number;
  /** How many transactions. */
  total_transactions: number;
  /** How many customers had one. */
  active_customers: number;
}

/** The totals of some days beside those before. */
export interface AnalyticsSummary extends PeriodTotals {
  /** The same number of days before; `change_percent` of what was consumed, null if it was nothing. */
  comparison: PeriodTotals & { change_percent: number | null };
}
