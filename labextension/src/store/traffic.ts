/** Shares of traffic in whole percent that always sum to 100. Pure. */

export type Shares = ReadonlyMap<string, number>;

const ALL = 100;

/**
 * Give `label` its new share; the others share the rest as they did before. Those that had nothing
 * get nothing, unless nobody else is left to take it: then the first other one does.
 */
export function rebalance(shares: Shares, label: string, wanted: number): Shares {
  const others = [...shares].filter(([name]) => name !== label);
  const own = others.length === 0 ? ALL : Math.min(ALL, Math.max(0, Math.round(wanted)));
  const rest = ALL - own;
  const before = others.reduce((sum, [, share]) => sum + share, 0);
  const exact = others.map(
    ([name, share], index) =>
      [name, before > 0 ? (share * rest) / before : index === 0 ? rest : 0] as const
  );
  const result = new Map(exact.map(([name, share]) => [name, Math.floor(share)]));
  const floors = [...result.values()].reduce((sum, share) => sum + share, 0);
  // What rounding down left over goes to those that lost most by it.
  const byLoss = [...exact].sort(([, a], [, b]) => b - Math.floor(b) - (a - Math.floor(a)));
  byLoss.slice(0, rest - floors).forEach(([name]) => {
    result.set(name, (result.get(name) ?? 0) + 1);
  });
  return new Map(
    [...shares.keys()].map(name => [name, name === label ? own : (result.get(name) ?? 0)])
  );
}

/** Everything to one version. */
export function allTo(shares: Shares, label: string): Shares {
  return new Map([...shares.keys()].map(name => [name, name === label ? ALL : 0]));
}

export function sameShares(a: Shares, b: Shares): boolean {
  return a.size === b.size && [...a].every(([label, share]) => b.get(label) === share);
}

interface Deployed {
  readonly label: string;
  readonly state: string;
  readonly traffic_percent: number;
  readonly deployed_ms: number;
}

/** The version that most requests go to. */
export function primaryOf<T extends Deployed>(deployments: readonly T[]): T | null {
  return deployments.reduce<T | null>(
    (best, one) => (one.traffic_percent > (best?.traffic_percent ?? 0) ? one : best),
    null
  );
}

/** What "roll back" goes back to: the version deployed last before the one that is in front. */
export function previousOf<T extends Deployed>(deployments: readonly T[]): T | null {
  const primary = primaryOf(deployments);
  if (primary === null) {
    return null;
  }
  const older = deployments.filter(
    one => one.deployed_ms < primary.deployed_ms && one.state === 'ready'
  );
  return older.reduce<T | null>(
    (newest, one) => (newest === null || one.deployed_ms > newest.deployed_ms ? one : newest),
    null
  );
}
