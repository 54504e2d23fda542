// From measurements to what a reader compares: medians, their spread, ratios.

/** @typedef {import("./measure.mjs").Measurement} Measurement */

/**
 * @param {Measurement[]} measurements
 * @param {import("./scenarios.mjs").Scenario[]} scenarios
 * @param {string} ourName
 */
export function summarize(measurements, scenarios, ourName) {
  return scenarios.map((scenario) => {
    const rows = scenario.contenders.flatMap((contender) => {
      const rounds = measurements.filter(
        (m) => m.scenario === scenario.id && m.contender === contender,
      );
      return rounds.length > 0 ? [rowOf(contender, rounds)] : [];
    });
    const ours = rows.find(({ contender }) => contender === ourName);
    const ratios = rows
      .filter((row) => ours && row !== ours)
      .map((row) => ratioOf(/** @type {Row} */ (ours), row));
    return {
      id: scenario.id,
      title: scenario.title,
      connections: scenario.connections,
      itemsPerRequest: scenario.itemsPerRequest ?? 1,
      rows,
      ratios,
    };
  });
}

/** @typedef {ReturnType<typeof rowOf>} Row */
/** @typedef {ReturnType<typeof summarize>[number]} Summary */

/**
 * @param {string} contender
 * @param {Measurement[]} rounds
 */
function rowOf(contender, rounds) {
  const rps = rounds.map((round) => round.rps);
  return {
    contender,
    rps: median(rps),
    rps_lowest: Math.min(...rps),
    rps_highest: Math.max(...rps),
    p50_us: median(rounds.map((round) => round.p50_us)),
    p99_us: median(rounds.map((round) => round.p99_us)),
    cpu_us_per_request: median(rounds.map((round) => round.cpu_us_per_request)),
  };
}

/**
 * Ours divided by the other: above 1 is better for rps, below 1 for the rest.
 * @param {Row} ours
 * @param {Row} other
 */
function ratioOf(ours, other) {
  return {
    over: other.contender,
    rps: ours.rps / other.rps,
    p50: ours.p50_us / other.p50_us,
    p99: ours.p99_us / other.p99_us,
    cpu: ours.cpu_us_per_request / other.cpu_us_per_request,
  };
}

/** @param {number[]} values */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * @param {Summary} summary
 * @param {string} storage
 */
export function renderSummary({ title, connections, itemsPerRequest, rows, ratios }, storage) {
  const callers = connections === 1 ? "1 connection" : `${connections} connections`;
  const table = [
    ["", "requests/s", "lowest-highest", "p50 ms", "p99 ms", "CPU us/request"],
    ...rows.map((row) => [
      row.contender,
      row.rps.toFixed(0),
      `${row.rps_lowest.toFixed(0)}-${row.rps_highest.toFixed(0)}`,
      (row.p50_us / 1000).toFixed(2),
      (row.p99_us / 1000).toFixed(2),
      row.cpu_us_per_request.toFixed(0),
    ]),
    ...ratios.map((ratio) => [
      `ours / ${ratio.over}`,
      times(ratio.rps),
      "",
      times(ratio.p50),
      times(ratio.p99),
      times(ratio.cpu),
    ]),
  ];
  const items = itemsPerRequest > 1 ? `, ${itemsPerRequest} items per request` : "";
  return `${title} (${callers}, ${storage}${items})\n${align(table)}`;
}

/** @param {number} ratio */
function times(ratio) {
  return `${ratio.toFixed(2)}x`;
}

/** @param {string[][]} table */
export function align(table) {
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  const lines = table.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  "),
  );
  return lines.map((line) => `  ${line.trimEnd()}`).join("\n");
}
