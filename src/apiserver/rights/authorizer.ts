import type { UserInfo } from './user-info.ts';

/** What somebody wants to do, in the words of RBAC. */
export type Attributes =
  | {
      readonly on: 'resource';
      readonly verb: string;
      readonly group: string;
      readonly resource: string;
      /** Empty for the resource itself. */
      readonly subresource: string;
      /** Empty for all namespaces, and for what is in none. */
      readonly namespace: string;
      /** Empty for all. */
      readonly name: string;
    }
  | { readonly on: 'path'; readonly verb: string; readonly path: string };

/** A decision with who made it: the binding and the role. */
export type Verdict =
  | { readonly allowed: true; readonly by: string }
  | { readonly allowed: false; readonly reason: string };

/** One rule of a role. */
export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

/** Who may do what. */
export interface Authorizer {
  authorize(user: UserInfo, attributes: Attributes): Promise<Verdict>;
  /** All rules that a user has in a namespace, those of the whole cluster included. */
  rulesOf(user: UserInfo, namespace: string): Promise<readonly PolicyRule[]>;
}
