import { AffixMap } from './affix-map.ts';
import type { Call } from './call.ts';
import type { CompiledRule } from './compile-rule.ts';
import { matchesRule } from './match-rule.ts';
import { type Cover, coversOf } from './rule-covers.ts';
import type { PredicateIndex, Term, TextsOf } from './term.ts';

/** A rule with its place in the order of evaluation. */
interface Entry {
  readonly order: number;
  readonly rule: CompiledRule;
  readonly covers: readonly Cover[];
}

/** What a search has found so far; `visit` tells whether it goes on in the list it is in. */
interface Search {
  readonly call: Call;
  readonly visit: (entry: Entry) => boolean;
}

/** So few rules are asked one by one: that is quicker than to look anything up. */
const FEW = 4;
/** Bounds what rules with long lists of values can make of an index, in entries for each rule. */
const ENTRIES_PER_RULE = 64;

/**
 * Finds the rules that a call can match by the texts it has: a tree of lookups, in which each rule is
 * found by those of its fields that fewest other rules share. Rules that have none, because all they
 * say is negated, are asked one by one.
 */
export class RuleIndex {
  readonly #root: Node;

  constructor(rules: readonly CompiledRule[]) {
    const entries = rules
      .map((rule, order) => ({ order, rule, covers: coversOf(rule) }))
      .filter(({ rule }) => rule.never === undefined);
    this.#root = nodeOf(entries, new Set(), { entries: rules.length * ENTRIES_PER_RULE });
  }

  /** The first rule in the order of evaluation that matches. */
  first(call: Call): CompiledRule | undefined {
    let best: Entry | undefined;
    this.#root.search({
      call,
      visit: (entry) => {
        if (best !== undefined && entry.order >= best.order) return false;
        if (!matchesRule(entry.rule, call)) return true;
        best = entry;
        return false;
      },
    });
    return best?.rule;
  }

  /** Every rule that matches, in the order of evaluation. */
  all(call: Call): readonly CompiledRule[] {
    const found = new Set<Entry>();
    this.#root.search({
      call,
      visit: (entry) => {
        if (!found.has(entry) && matchesRule(entry.rule, call)) found.add(entry);
        return true;
      },
    });
    return [...found].sort((a, b) => a.order - b.order).map(({ rule }) => rule);
  }
}

interface Node {
  search(search: Search): void;
}

/** As most lists are. */
class Single implements Node {
  readonly #entry: Entry;

  constructor(entry: Entry) {
    this.#entry = entry;
  }

  search({ visit }: Search): void {
    visit(this.#entry);
  }
}

/** Entries in order, each asked. */
class List implements Node {
  readonly #entries: readonly Entry[];

  constructor(entries: readonly Entry[]) {
    this.#entries = entries;
  }

  search({ visit }: Search): void {
    for (const entry of this.#entries) if (!visit(entry)) return;
  }
}

/** Entries by one dimension of the call. */
class Lookup {
  readonly #textsOf: TextsOf;
  readonly #exact = new Map<string, Node>();
  readonly #prefixes = new AffixMap<Node>('start');
  readonly #suffixes = new AffixMap<Node>('end');
  #present: Node | undefined;

  constructor(textsOf: TextsOf) {
    this.#textsOf = textsOf;
  }

  add({ form, text }: Term, node: Node): void {
    if (form === 'exact') this.#exact.set(text, node);
    else if (form === 'prefix') this.#prefixes.set(text, node);
    else if (form === 'suffix') this.#suffixes.set(text, node);
    else this.#present = node;
  }

  search(search: Search): void {
    const texts = this.#textsOf(search.call);
    if (texts === undefined) return;
    if (typeof texts === 'string') this.#searchText(texts, search);
    else for (const text of texts) this.#searchText(text, search);
  }

  #searchText(text: string, search: Search): void {
    this.#exact.get(text)?.search(search);
    this.#present?.search(search);
    if (!this.#prefixes.isEmpty) this.#prefixes.some(text, (node) => goOn(node, search));
    if (!this.#suffixes.isEmpty) this.#suffixes.some(text, (node) => goOn(node, search));
  }
}

function goOn(node: Node, search: Search): boolean {
  node.search(search);
  return false;
}

class Lookups implements Node {
  readonly #lookups: readonly Lookup[];
  readonly #rest: List;

  constructor(lookups: readonly Lookup[], rest: List) {
    this.#lookups = lookups;
    this.#rest = rest;
  }

  search(search: Search): void {
    for (const lookup of this.#lookups) lookup.search(search);
    this.#rest.search(search);
  }
}

type Bucket = { readonly term: Term; readonly entries: Entry[] };
type Buckets = { readonly textsOf: TextsOf; readonly byTerm: Map<string, Bucket> };

/** Makes the tree; `used` are the dimensions that lead here already. */
function nodeOf(
  entries: readonly Entry[],
  used: ReadonlySet<string>,
  budget: { entries: number },
): Node {
  const [only] = entries;
  if (entries.length === 1 && only !== undefined) return new Single(only);
  if (entries.length <= FEW || budget.entries <= 0) return new List(entries);
  const share = countTerms(entries, used);
  const dimensions = new Map<string, Buckets>();
  const rest: Entry[] = [];
  for (const entry of entries) {
    const chosen = cheapestCover(entry, used, share);
    if (chosen === undefined) rest.push(entry);
    else for (const index of chosen) budget.entries -= addTo(dimensions, index, entry);
  }
  const lookups = [...dimensions].map(([dimension, { textsOf, byTerm }]) => {
    const lookup = new Lookup(textsOf);
    const deeper = new Set([...used, dimension]);
    for (const { term, entries: found } of byTerm.values()) {
      lookup.add(term, nodeOf(found, deeper, budget));
    }
    return lookup;
  });
  return new Lookups(lookups, new List(rest));
}

/** Puts `entry` under the terms of `index`; gives how many there are. */
function addTo(dimensions: Map<string, Buckets>, index: PredicateIndex, entry: Entry): number {
  const { byTerm } = dimensions.getOrInsertComputed(index.dimension, () => ({
    textsOf: index.texts,
    byTerm: new Map<string, Bucket>(),
  }));
  for (const term of index.terms) {
    const bucket = byTerm.getOrInsertComputed(keyOf(term), () => ({ term, entries: [] }));
    if (bucket.entries.at(-1) !== entry) bucket.entries.push(entry);
  }
  return index.terms.length;
}

/** Of how many rules each term is one, by dimension. */
function countTerms(
  entries: readonly Entry[],
  used: ReadonlySet<string>,
): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const counts = new Map<string, Map<string, number>>();
  for (const index of entries.flatMap(({ covers }) => covers.flat(2))) {
    if (used.has(index.dimension)) continue;
    const ofDimension = counts.getOrInsertComputed(index.dimension, () => new Map());
    for (const key of index.terms.map(keyOf)) ofDimension.set(key, (ofDimension.get(key) ?? 0) + 1);
  }
  return counts;
}

/** The predicates by which a rule is found among the fewest others. */
function cheapestCover(
  { covers }: Entry,
  used: ReadonlySet<string>,
  share: ReadonlyMap<string, ReadonlyMap<string, number>>,
): readonly PredicateIndex[] | undefined {
  const costOf = ({ dimension, terms }: PredicateIndex): number =>
    Math.max(...terms.map((term) => share.get(dimension)?.get(keyOf(term)) ?? 0));
  let best: { readonly chosen: readonly PredicateIndex[]; readonly cost: number } | undefined;
  for (const cover of covers) {
    const chosen = cover.map((choices) =>
      least(
        choices.filter(({ dimension }) => !used.has(dimension)),
        costOf,
      ),
    );
    if (!chosen.every((index) => index !== undefined)) continue;
    const cost = Math.max(...chosen.map(costOf));
    if (best === undefined || cost < best.cost) best = { chosen, cost };
  }
  return best?.chosen;
}

function least<T>(items: readonly T[], costOf: (item: T) => number): T | undefined {
  const [first] = items;
  if (first === undefined) return undefined;
  return items.reduce((best, item) => (costOf(item) < costOf(best) ? item : best), first);
}

function keyOf({ form, text }: Term): string {
  return `${form}:${text}`;
}
