/** The keep options as a policy. */
import type { KeepRules } from '../jobs/prune.js';

export interface KeepOptions {
  readonly keepLast?: number;
  readonly keepHourly?: number;
  readonly keepDaily?: number;
  readonly keepWeekly?: number;
  readonly keepMonthly?: number;
  readonly keepYearly?: number;
  readonly keepWithin?: string;
}

/** undefined where no keep option was given: nothing is deleted that nobody asked to delete. */
export function keepRulesOf(options: KeepOptions): KeepRules | undefined {
  const rules: KeepRules = {
    last: options.keepLast,
    hourly: options.keepHourly,
    daily: options.keepDaily,
    weekly: options.keepWeekly,
    monthly: options.keepMonthly,
    yearly: options.keepYearly,
    within: options.keepWithin,
  };
  return Object.values(rules).every((rule) => rule === undefined) ? undefined : rules;
}
