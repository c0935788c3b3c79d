import type { ApiContext } from '../api-context.ts';
import { type ApiAnswer, jsonAnswer } from '../api-request.ts';
import { fieldIn, isJsonObject, type JsonObject } from '../bodies/json-object.ts';
import { readQuestion } from '../question.ts';
import type { ResourceCall } from '../resource-call.ts';
import type { Subresource } from '../subresource.ts';
import type { TokenAuthenticator } from './authenticate.ts';
import type { Attributes, Authorizer, PolicyRule } from './authorizer.ts';
import { authenticated, type UserInfo } from './user-info.ts';

const AUTHENTICATION = 'authentication.k8s.io';
const AUTHORIZATION = 'authorization.k8s.io';

/** The questions about who somebody is and what they may do, by `<plural>.<group>`. */
export function reviewQuestions({
  authorizer,
  tokens,
}: {
  readonly authorizer: Authorizer;
  readonly tokens: TokenAuthenticator;
}): Readonly<Record<string, Subresource>> {
  const access = (whose: (call: ResourceCall, spec: JsonObject) => UserInfo): Subresource =>
    answering(async (call, spec) => {
      const verdict = await authorizer.authorize(whose(call, spec), attributesOf(spec));
      return verdict.allowed
        ? { allowed: true, reason: verdict.by }
        : { allowed: false, reason: verdict.reason };
    });
  return {
    [`selfsubjectaccessreviews.${AUTHORIZATION}`]: access(({ request }) => request.user),
    [`subjectaccessreviews.${AUTHORIZATION}`]: access((_, spec) => subjectOf(spec)),
    [`localsubjectaccessreviews.${AUTHORIZATION}`]: access((_, spec) => subjectOf(spec)),
    [`selfsubjectrulesreviews.${AUTHORIZATION}`]: answering(async ({ request }, spec) =>
      rulesStatus(await authorizer.rulesOf(request.user, text(spec, 'namespace'))),
    ),
    [`selfsubjectreviews.${AUTHENTICATION}`]: answering(async ({ request }) => ({
      userInfo: userJson(request.user),
    })),
    [`tokenreviews.${AUTHENTICATION}`]: answering(async (_, spec) => {
      const audiences = texts(spec, 'audiences');
      const user = await tokens(text(spec, 'token'), audiences);
      if (user === undefined) return { authenticated: false, error: 'the token is not good here' };
      return { authenticated: true, user: userJson(user), audiences };
    }),
  };
}

function answering(answer: (call: ResourceCall, spec: JsonObject) => Promise<object>): Subresource {
  return async (call: ResourceCall, context: ApiContext): Promise<ApiAnswer> => {
    const question = readQuestion(call, context.kinds);
    const given = question['spec'];
    const spec = isJsonObject(given) ? given : {};
    const shown = call.definition.confidential ? { ...question, spec: {} } : question;
    return jsonAnswer({ ...shown, status: await answer(call, spec) }, 201);
  };
}

function attributesOf(spec: JsonObject): Attributes {
  const path = spec['nonResourceAttributes'];
  if (path !== undefined) return { on: 'path', verb: text(path, 'verb'), path: text(path, 'path') };
  const asked = spec['resourceAttributes'];
  return {
    on: 'resource',
    verb: text(asked, 'verb'),
    group: text(asked, 'group'),
    resource: text(asked, 'resource'),
    subresource: text(asked, 'subresource'),
    namespace: text(asked, 'namespace'),
    name: text(asked, 'name'),
  };
}

function subjectOf(spec: JsonObject): UserInfo {
  return { name: text(spec, 'user'), groups: texts(spec, 'groups') };
}

function rulesStatus(rules: readonly PolicyRule[]): object {
  const names = ({ resourceNames }: PolicyRule) =>
    resourceNames.length === 0 ? {} : { resourceNames };
  return {
    resourceRules: rules
      .filter(({ resources }) => resources.length > 0)
      .map((rule) => ({
        verbs: rule.verbs,
        apiGroups: rule.apiGroups,
        resources: rule.resources,
        ...names(rule),
      })),
    nonResourceRules: rules
      .filter(({ nonResourceURLs }) => nonResourceURLs.length > 0)
      .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    incomplete: false,
  };
}

function userJson({ name, groups, uid, extra }: UserInfo): object {
  return {
    username: name,
    groups,
    ...(uid === undefined ? {} : { uid }),
    ...(extra === undefined || Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

function text(value: unknown, key: string): string {
  const found = fieldIn(value, key);
  return typeof found === 'string' ? found : '';
}

function texts(value: unknown, key: string): readonly string[] {
  const found = fieldIn(value, key);
  return Array.isArray(found) ? found.filter((item) => typeof item === 'string') : [];
}

/** The user behind a token, as TokenReview says it. */
export function tokenUser(user: {
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}): UserInfo {
  const { username, uid, groups, extra } = user;
  return authenticated({ name: username, uid, groups, extra });
}
