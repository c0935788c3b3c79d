import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { naiveVerdict, naiveSettings as settings } from '../../../test/kit/naive-authorization.ts';
import {
  authorizationPolicy,
  decide,
  decideRequest,
  explain,
  reviews,
} from '../../../test/kit/policies.ts';
import {
  anyConnection,
  anyPolicies,
  anyRequest,
  anyRule,
} from '../../../test/kit/policy-arbitraries.ts';
import type { AuthorizationPolicy } from '../../resources/kinds/authorization-policy.ts';
import type { ConnectionFacts, RequestCall } from './call.ts';
import { compileAuthorization } from './compile-authorization.ts';

const verdict = (list: readonly AuthorizationPolicy[], of: ConnectionFacts): string =>
  decide(list, of, { workload: reviews, settings }).verdict;

const requestVerdict = (list: readonly AuthorizationPolicy[], of: RequestCall): string =>
  decideRequest(list, of, { workload: reviews, settings }).verdict;

describe('authorize', () => {
  it('agrees with the naive evaluator about requests', () => {
    const seen = { allow: 0, deny: 0 };
    fc.assert(
      fc.property(anyPolicies, anyRequest, (list, of) => {
        const actual = requestVerdict(list, of);
        expect(actual).toBe(naiveVerdict(list, of));
        seen[actual as keyof typeof seen] += 1;
      }),
      { numRuns: 5_000 },
    );
    expect(Math.min(seen.allow, seen.deny)).toBeGreaterThan(500);
  });

  it('agrees with the naive evaluator about requests and single rules', () => {
    const seen = { allow: 0, deny: 0 };
    fc.assert(
      fc.property(
        anyRule,
        fc.constantFrom('ALLOW' as const, 'DENY' as const),
        anyRequest,
        (only, action, of) => {
          const list = [authorizationPolicy({ action, rules: [only] })];
          const actual = requestVerdict(list, of);
          expect(actual).toBe(naiveVerdict(list, of));
          seen[actual as keyof typeof seen] += 1;
        },
      ),
      { numRuns: 10_000 },
    );
    expect(Math.min(seen.allow, seen.deny)).toBeGreaterThan(500);
  });

  it('agrees with the naive evaluator about requests and many rules', () => {
    const many = fc
      .array(anyRule, { minLength: 20, maxLength: 80 })
      .map((rules) => [authorizationPolicy({ action: 'ALLOW', rules })]);
    const seen = { allow: 0, deny: 0 };
    fc.assert(
      fc.property(many, fc.array(anyRequest, { minLength: 5, maxLength: 5 }), (list, calls) => {
        const authorization = compileAuthorization(list, reviews, settings);
        for (const of of calls) {
          const actual = authorization.authorizeRequest(of).verdict;
          expect(actual).toBe(naiveVerdict(list, of));
          seen[actual as keyof typeof seen] += 1;
        }
      }),
      { numRuns: 300 },
    );
    expect(seen.allow).toBeGreaterThan(100);
  });

  it('agrees with the naive evaluator', () => {
    const seen = { allow: 0, deny: 0 };
    fc.assert(
      fc.property(anyPolicies, anyConnection, (list, of) => {
        const actual = verdict(list, of);
        expect(actual).toBe(naiveVerdict(list, { connection: of }));
        seen[actual as keyof typeof seen] += 1;
      }),
      { numRuns: 5_000 },
    );
    // a property that only ever saw one verdict would have shown nothing
    expect(Math.min(seen.allow, seen.deny)).toBeGreaterThan(500);
  });

  it('agrees with the naive evaluator about single rules', () => {
    const seen = { allow: 0, deny: 0 };
    fc.assert(
      fc.property(
        anyRule,
        fc.constantFrom('ALLOW' as const, 'DENY' as const),
        anyConnection,
        (only, action, of) => {
          const list = [authorizationPolicy({ action, rules: [only] })];
          const actual = verdict(list, of);
          expect(actual).toBe(naiveVerdict(list, { connection: of }));
          seen[actual as keyof typeof seen] += 1;
        },
      ),
      { numRuns: 10_000 },
    );
    expect(Math.min(seen.allow, seen.deny)).toBeGreaterThan(500);
  });

  it('never turns deny into allow for one more DENY policy', () => {
    fc.assert(
      fc.property(
        anyPolicies,
        fc.array(anyRule, { maxLength: 2 }),
        anyConnection,
        (list, rules, of) => {
          const more = [...list, authorizationPolicy({ action: 'DENY', rules }, { name: 'more' })];
          if (verdict(list, of) === 'deny') expect(verdict(more, of)).toBe('deny');
        },
      ),
    );
  });

  it('never turns allow into deny for one more ALLOW rule where there is an ALLOW policy', () => {
    fc.assert(
      fc.property(
        anyPolicies,
        fc.array(anyRule, { maxLength: 2 }),
        anyRule,
        anyConnection,
        (list, rules, added, of) => {
          const before = [...list, authorizationPolicy({ rules }, { name: 'allow' })];
          const after = [
            ...list,
            authorizationPolicy({ rules: [...rules, added] }, { name: 'allow' }),
          ];
          if (verdict(before, of) === 'allow') expect(verdict(after, of)).toBe('allow');
        },
      ),
    );
  });

  it('decides the same in whichever order policies come', () => {
    const shuffled = anyPolicies.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    );
    fc.assert(
      fc.property(shuffled, anyConnection, ([list, other], of) => {
        const at = { workload: reviews, settings };
        expect(decide(other, of, at)).toEqual(decide(list, of, at));
      }),
    );
  });

  it('names policy and rule in every denial, in one printable line', () => {
    fc.assert(
      fc.property(anyPolicies, anyConnection, fc.string(), (list, of, sni) => {
        const text = explain(list, { ...of, sni }, { workload: reviews, settings });
        expect(text).toMatch(/^[\x20-\x7e]+$/);
        if (text.includes('denied'))
          expect(text).toMatch(/AuthorizationPolicy \S+\/p\d rule\[\d\]: \S/);
      }),
    );
  });
});
